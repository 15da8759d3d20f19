"""Fixtures and settings for every test."""

from __future__ import annotations

import contextlib
import gc
import locale
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from masam_core.installation.devices import main_memory
from masam_core.threads import available_cores, share_processor

ROOT = Path(__file__).resolve().parent.parent
TUMOURS = ROOT.parent / "shared" / "data" / "tumours"

# A busy machine is slow, not wrong.
hypothesis.settings.register_profile("busy", deadline=None)
hypothesis.settings.load_profile("busy")

CORES = available_cores() or os.cpu_count() or 1
PROCESS_BYTES = 4_000_000_000  # of a process that runs tests, with what it starts
# Several processes (pytest -n) share the cores, and so does what each of them starts.
PROCESSES = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
THREADS = max(1, CORES // PROCESSES)
if PROCESSES > 1:
    os.environ["OMP_NUM_THREADS"] = str(THREADS)
# Networks that OpenVINO has made ready are shared by the tests of a run, and are nobody's else.
_CACHE = tempfile.TemporaryDirectory(prefix="masam-prepared-", ignore_cleanup_errors=True)
os.environ["MASAM_CACHE"] = _CACHE.name
# Else OpenVINO and NNCF, where a test imports them by itself, report each of their uses to Google
# Analytics, each event by a process of its own: a conversion takes four times as long.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
share_processor()  # as the product does, before any test loads PyTorch


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what is marked ``gpu`` where there is none; give each test a locale that knows letters.

    Slicer's core sets the process's own to one of ASCII alone.
    """
    with contextlib.suppress(locale.Error):
        locale.setlocale(locale.LC_CTYPE, "C.UTF-8")
    if item.get_closest_marker("gpu") is not None:
        import torch

        if not torch.cuda.is_available():
            pytest.skip("needs an NVIDIA GPU")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the rooms whose files take longest, so that no process ends long after others."""
    long = ("Testing/workbench/", "Testing/slicer/", "Testing/core/bench/")
    items.sort(key=lambda item: not item.nodeid.startswith(long))  # otherwise as they were


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Processes of ``-n auto``: one a core, as many as the memory bears."""
    total, _ = main_memory()
    return max(1, min(CORES, (total or PROCESS_BYTES) // PROCESS_BYTES))


@pytest.fixture(scope="session", autouse=True)
def few_threads() -> None:
    """Keep torch to two threads: more only get in each other's way on small inputs."""
    import torch

    torch.set_num_threads(min(2, THREADS))
    # What has been loaded by now stays, and need not be looked through for garbage again.
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def built_once() -> Iterator[None]:
    """Keep the commands of ``masam``: typer builds them all anew for each call of one."""
    import typer.main
    import typer.testing

    build = typer.main.get_command
    kept: dict[int, Any] = {}

    def once(target: typer.Typer) -> Any:
        main = sys.modules.get("masam_core.cli.main")
        if main is None or target is not main.app:
            return build(target)
        if id(target) not in kept:
            kept[id(target)] = build(target)
        return kept[id(target)]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typer.main, "get_command", once)
        patch.setattr(typer.testing, "_get_command", once, raising=False)
        yield


@pytest.fixture(autouse=True)
def exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compute in float32 also where the processor has something faster: tests compare exactly."""
    from masam_core.inference import device
    from masam_core.inference.runtimes import openvino

    monkeypatch.setattr(device, "has_fast_bfloat16", lambda: False)
    monkeypatch.setattr(openvino, "capabilities", lambda _: ["FP32"])


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, made of what a container gets of this checkout."""
    hatchling = pytest.importorskip("hatchling.builders.wheel")
    from .installing import lay_out

    folder = tmp_path_factory.mktemp("wheel")
    lay_out(folder / "project")
    builder = hatchling.WheelBuilder(str(folder / "project"))
    (built,) = builder.build(directory=str(folder), versions=["standard"])
    return Path(built)


@pytest.fixture(scope="session")
def tumours_dir() -> Path:
    """The folder of real tumour volumes, which lies beside the checkout and not in it."""
    if not (TUMOURS / "index.csv").is_file():
        pytest.skip(f"The tumour volumes are not there: {TUMOURS}")
    return TUMOURS


@pytest.fixture(scope="session")
def sample_data() -> Path:
    """The folder of the sample volumes that come with MASAM."""
    return ROOT / "Resources" / "SampleData"


@pytest.fixture
def masam_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder in place of the user's models."""
    home = tmp_path / "masam home"
    monkeypatch.setenv("MASAM_HOME", str(home))
    return home
