"""How many threads compute, and how they wait: in files as Linux writes them, and for real."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from masam_core import threads
from masam_core.threads import available_cores, leave_number_to_launcher, share_processor
from masam_core.worker.protocol import encode

from ..conftest import ROOT

EIGHT = set(range(8))


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + "\n")
    return root


def hyperthreads(root: Path, cores: int) -> None:
    """Two hardware threads a core, numbered as Linux does: n and n + cores."""
    cpu = "sys/devices/system/cpu/cpu{}/topology/thread_siblings_list"
    write(root, {cpu.format(n): f"{n % cores},{n % cores + cores}" for n in range(2 * cores)})


def test_two_hardware_threads_are_one_core(tmp_path: Path) -> None:
    hyperthreads(tmp_path, 4)
    assert available_cores(tmp_path, EIGHT) == 4
    assert available_cores(tmp_path, {0, 4}) == 1
    assert available_cores(tmp_path, {0, 1, 4}) == 2


def test_without_a_topology_each_processor_is_a_core(tmp_path: Path) -> None:
    assert available_cores(tmp_path, EIGHT) == 8


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        # Version 2: the group's own limit, one further up, none, and a container's namespace.
        ({"proc/self/cgroup": "0::/a/b", "sys/fs/cgroup/a/b/cpu.max": "250000 100000"}, 3),
        ({"proc/self/cgroup": "0::/a/b", "sys/fs/cgroup/a/cpu.max": "50000 100000"}, 1),
        ({"proc/self/cgroup": "0::/a/b", "sys/fs/cgroup/a/b/cpu.max": "max 100000"}, 8),
        ({"proc/self/cgroup": "0::/", "sys/fs/cgroup/cpu.max": "200000 100000"}, 2),
        # Version 1: the folder bears the controllers' names, or is a link named cpu.
        (
            {
                "proc/self/cgroup": "4:memory:/x\n3:cpu,cpuacct:/x",
                "sys/fs/cgroup/cpu,cpuacct/x/cpu.cfs_quota_us": "400000",
                "sys/fs/cgroup/cpu,cpuacct/x/cpu.cfs_period_us": "100000",
            },
            4,
        ),
        (
            {
                "proc/self/cgroup": "3:cpuacct,cpu:/host/path",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "100000",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "50000",
            },
            2,
        ),
        (
            {
                "proc/self/cgroup": "3:cpu:/",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
            },
            8,
        ),
        # A quota of memory, or of another group, is none of ours.
        ({"proc/self/cgroup": "0::/a", "sys/fs/cgroup/b/cpu.max": "100000 100000"}, 8),
        ({"proc/self/cgroup": "nonsense", "sys/fs/cgroup/x/cpu.max": "?"}, 8),
    ],
)
def test_quotas_of_control_groups_count(
    tmp_path: Path, files: dict[str, str], expected: int
) -> None:
    assert available_cores(write(tmp_path, files), EIGHT) == expected


def test_what_the_user_has_set_stays() -> None:
    given = {"OMP_WAIT_POLICY": "ACTIVE", "OMP_NUM_THREADS": "7"}
    values = dict(given)
    share_processor(values)
    assert values == given
    empty = {"OMP_NUM_THREADS": ""}  # which OpenMP takes for not set
    share_processor(empty)
    assert empty["OMP_WAIT_POLICY"] == "PASSIVE"
    assert empty["OMP_NUM_THREADS"] == ("" if available_cores() is None else str(available_cores()))


def test_several_processes_get_no_number_that_was_chosen_for_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(threads, "available_cores", lambda: 6)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")
    share_processor()
    assert os.environ["OMP_NUM_THREADS"] == "6"
    leave_number_to_launcher()
    assert "OMP_NUM_THREADS" not in os.environ
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    share_processor()
    leave_number_to_launcher()
    assert os.environ["OMP_NUM_THREADS"] == "3"


def bare(**more: str) -> dict[str, str]:
    """The environment without any word on threads."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("OMP_", "GOMP_", "KMP_", "MKL_"))
    }
    path = os.pathsep.join([str(ROOT), str(ROOT / "MASAMSlicer")])
    return kept | {"PYTHONPATH": path} | more


STARTS = {
    "command line": ["-m", "masam_core", "info", "system"],
    "console script": ["-c", "import sys; sys.argv[1:] = ['info', 'system']\n"
                       "from masam_core.cli.main import main; main()"],
    "worker": ["-m", "masam_core.worker"],
    "batch": ["-m", "masam_core.batch", "{spec}"],
    "demo": ["-m", "masam_core.demo", "{out}"],
}  # fmt: skip


@pytest.mark.parametrize("start", STARTS)
def test_whatever_computes_has_said_it_before_what_computes_is_loaded(
    start: str, tmp_path: Path
) -> None:
    # In place of PyTorch and OpenVINO something that tells what it was loaded with, and ends.
    stand_in = (
        "import json, os\n"
        f"open({str(tmp_path / 'seen.json')!r}, 'w').write(json.dumps(dict(os.environ)))\n"
        "os._exit(7)"
    )
    write(
        tmp_path,
        {
            "torch/__init__.py": stand_in,
            "openvino/__init__.py": stand_in,
            "spec.json": json.dumps({"input": str(tmp_path / "images"), "out": str(tmp_path)}),
            "images/a.nii.gz": "",
            "images/a_label.nii.gz": "",
        },
    )
    environment = bare()
    environment["PYTHONPATH"] = os.pathsep.join([str(tmp_path), environment["PYTHONPATH"]])
    words = [w.format(spec=tmp_path / "spec.json", out=tmp_path / "out") for w in STARTS[start]]
    with subprocess.Popen(
        [sys.executable, *words], env=environment, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    ) as process:
        assert process.stdin is not None
        process.stdin.write(encode({"type": "load_model", "id": 1}))  # which the worker waits for
        process.stdin.flush()
        assert process.wait(120) == 7
    seen = json.loads((tmp_path / "seen.json").read_text())
    assert seen["OMP_WAIT_POLICY"] == "PASSIVE"
    assert seen.get("OMP_NUM_THREADS") == (str(available_cores()) if available_cores() else None)


@pytest.mark.skipif(sys.platform != "linux", reason="reads what OpenMP says of itself")
def test_pytorchs_openmp_takes_it() -> None:
    code = "from masam_core.threads import share_processor; share_processor()\nimport torch\n"
    code += "print(torch.get_num_threads())"
    for policy, expected in ((None, "PASSIVE"), ("ACTIVE", "ACTIVE")):
        given = bare(OMP_DISPLAY_ENV="TRUE", **({"OMP_WAIT_POLICY": policy} if policy else {}))
        done = subprocess.run(
            [sys.executable, "-c", code], env=given, capture_output=True, text=True, check=True
        )
        assert re.search(rf"OMP_WAIT_POLICY ?= ?'{expected}'", done.stderr)
        assert int(done.stdout) == available_cores()
