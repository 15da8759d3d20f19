"""Networks kept ready: the same answers sooner, and never what is damaged or somebody else's."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from ..conftest import BuildModel

pytest.importorskip("openvino")

from masam_core.inference.runtimes import prepared as module
from masam_core.inference.runtimes.openvino import OpenVINORuntime
from masam_core.inference.runtimes.openvino_device import OpenVINODevice
from masam_core.inference.runtimes.package import read_package
from masam_core.inference.runtimes.prepared import MOST_FILES, prepared, prepared_folder


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MASAM_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


class Compiling:
    """Counts what is made ready."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        real = OpenVINORuntime._compiled

        def counted(runtime: OpenVINORuntime, *arguments: Any) -> Any:
            self.count += 1
            return real(runtime, *arguments)

        monkeypatch.setattr(OpenVINORuntime, "_compiled", counted)

    def start(self, converted: Path) -> np.ndarray:
        """What a runtime says that is made now: of the encoder and the corrector."""
        self.count = 0
        runtime = OpenVINORuntime(read_package(converted), OpenVINODevice(), "float32")
        assert runtime.corrector is runtime.corrector
        shown = np.random.default_rng(1).random((1, 5, 56, 56), dtype=np.float32)
        return np.asarray(runtime.embed(shown)[0].maps[0])


def test_the_next_start_makes_nothing_ready_and_says_the_same(
    build_model: BuildModel, converted: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiling = Compiling(monkeypatch)
    first = compiling.start(converted)
    assert compiling.count == 4
    kept = sorted(folder.iterdir())
    assert len(kept) == 4
    assert np.array_equal(compiling.start(converted), first)
    assert compiling.count == 0
    assert sorted(folder.iterdir()) == kept


def test_what_is_damaged_or_of_another_network_is_not_taken(
    build_model: BuildModel, converted: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiling = Compiling(monkeypatch)
    first = compiling.start(converted)
    files = sorted(folder.iterdir())
    whole = [file.read_bytes() for file in files]
    turned = whole[0][:-9] + bytes([whole[0][-9] ^ 1]) + whole[0][-8:]
    files[0].write_bytes(turned)
    files[1].write_bytes(whole[1][:-1])
    files[2].write_bytes(whole[3])  # whole, and of another network
    files[3].write_bytes(b"")
    assert np.array_equal(compiling.start(converted), first)
    assert compiling.count == 4
    compiling.start(converted)  # all of them were written anew
    assert compiling.count == 0


def test_a_folder_that_cannot_be_written_costs_the_time_alone(
    build_model: BuildModel, converted: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.write_text("a file has this name")
    compiling = Compiling(monkeypatch)
    assert compiling.start(converted).any()
    assert compiling.count == 4
    assert folder.read_text() == "a file has this name"


class Network:
    """In place of OpenVINO's: its content is what it says."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def export_model(self) -> bytes:
        return self.content


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """OpenVINO's core, which keeps networks as their content."""
    core = SimpleNamespace(
        get_property=lambda _device, name: name,
        import_model=lambda content, _device, _settings: Network(bytes(content)),
    )
    monkeypatch.setattr(module, "core", lambda: core)
    return core


def ask(identity: str = "a", device: str = "CPU", **settings: Any) -> tuple[Network, bool]:
    """A network, and whether it was made ready now."""
    made = []

    def prepare() -> Network:
        made.append(identity)
        return Network(f"{identity} {settings}".encode() * 1000)

    return prepared(identity, device, settings, prepare), bool(made)


def test_only_the_same_network_with_the_same_settings_on_the_same_machine_is_taken(
    folder: Path, stand_in: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [ask()[1], ask()[1]] == [True, False]
    assert ask("b")[1]
    assert ask(threads=2)[1]
    assert ask()[0].content == b"a {}" * 1000
    stand_in.get_property = lambda _device, name: f"another {name}"
    assert ask()[1]
    monkeypatch.setattr(module, "load_openvino", lambda: SimpleNamespace(__version__="1"))
    assert ask()[1]
    assert not ask()[1]

    def refuse(*_: object) -> None:
        raise RuntimeError("made by another plugin")

    stand_in.import_model = refuse
    assert ask()[1]


def test_nothing_is_kept_for_graphics_nor_on_a_full_disk(
    folder: Path, stand_in: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [ask(device="GPU")[1], ask(device="GPU")[1]] == [True, True]
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: SimpleNamespace(free=5000))
    assert [ask()[1], ask()[1]] == [True, True]
    assert not any(folder.glob("*"))


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="Windows tells no owners by number")
def test_what_another_user_has_put_there_is_not_taken(
    folder: Path, stand_in: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask()
    monkeypatch.setattr(os, "getuid", lambda: 4711)
    assert ask()[1]


def test_those_used_last_are_kept(folder: Path, stand_in: SimpleNamespace) -> None:
    for number in range(MOST_FILES):
        ask(f"network {number}")
        (newest,) = set(folder.iterdir()) - {file for file in folder.iterdir() if _old(file)}
        os.utime(newest, (number, number))
    assert not ask("network 0")[1]  # used now
    ask("one more")
    assert len(list(folder.iterdir())) == MOST_FILES
    assert not ask("network 0")[1]
    assert ask("network 1")[1]


def _old(file: Path) -> bool:
    return file.stat().st_mtime < 1000


def test_processes_that_start_at_once_do_not_disturb_each_other(
    folder: Path, stand_in: SimpleNamespace
) -> None:
    wrong: list[object] = []

    def start() -> None:
        for _ in range(5):
            network, _now = ask()
            if network.content != b"a {}" * 1000:
                wrong.append(network.content)
            for file in folder.glob("*.openvino"):
                file.unlink(missing_ok=True)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not wrong
    ask()
    assert len(list(folder.iterdir())) == 1  # nothing half is left behind


def test_where_they_lie(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import platformdirs

    monkeypatch.delenv("MASAM_CACHE", raising=False)
    monkeypatch.setenv("MASAM_HOME", str(tmp_path))
    assert prepared_folder() == tmp_path / "cache"
    monkeypatch.delenv("MASAM_HOME")
    assert prepared_folder() == Path(platformdirs.user_cache_dir("masam", False))
