"""How many threads compute, and how they wait: to be said before PyTorch is loaded.

PyTorch's threads meet at a barrier many thousand times a lesion. By default who comes first spins,
which is quickest where each thread has a core of its own. Beside other programs the spinning
threads keep the late one from running, and a job takes many times as long; asleep, they give way.
The OpenMP runtime (GNU's on Linux, LLVM's or Intel's elsewhere) reads this once, while it is
loaded, so it goes through the environment.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, MutableMapping, Set
from pathlib import Path

WAITING = "OMP_WAIT_POLICY"
NUMBER = "OMP_NUM_THREADS"
_ROOT = Path("/")
_chosen: list[str] = []  # the number that share_processor set in this process, not the user


def share_processor(environment: MutableMapping[str, str] | None = None) -> None:
    """Let threads sleep while they wait, and take as many as there are cores for this process.

    What the user has set is left as it is. Intel's runtime has a time to spin of its own
    (``KMP_BLOCKTIME``), GNU's a count (``GOMP_SPINCOUNT``); where one of these is set it wins, and
    both follow the policy where it is not.

    Args:
        environment: of a process to be started; None is this process's, in which PyTorch must not
            be loaded yet.
    """
    own = environment is None
    values = os.environ if environment is None else environment
    values.setdefault(WAITING, "PASSIVE")
    count = available_cores()
    if count is not None and not values.get(NUMBER):
        values[NUMBER] = str(count)
        if own:
            _chosen.append(values[NUMBER])


def leave_number_to_launcher() -> None:
    """Take the number of threads back that was chosen for one process.

    For a program that goes on as several processes on this machine, whose launcher divides the
    cores among them where no number is set. A number that the user has set stays.
    """
    if _chosen and os.environ.get(NUMBER) == _chosen[-1]:
        del os.environ[NUMBER]
    _chosen.clear()


def available_cores(root: Path = _ROOT, allowed: Set[int] | None = None) -> int | None:
    """Physical cores that this process may use, on Linux; None elsewhere.

    The least of: cores (two hardware threads of a core share its arithmetic units, so more threads
    are slower), the process's affinity (which is also a container's cpuset), and the quotas of its
    control groups, rounded up. Other systems have no such limits, and PyTorch counts cores itself.

    Args:
        root: where ``proc`` and ``sys`` lie.
        allowed: numbers of the processors that the process may run on; None asks the system.
    """
    if allowed is None:
        if not hasattr(os, "sched_getaffinity"):
            return None
        allowed = os.sched_getaffinity(0)
    cores = {_siblings(root, number) for number in allowed}
    quotas = [math.ceil(quota) for quota in _quotas(root)]
    return max(1, min([len(cores), *quotas]))


def _siblings(root: Path, processor: int) -> str:
    """What all hardware threads of a core have in common; their list, or the number alone."""
    file = root / f"sys/devices/system/cpu/cpu{processor}/topology/thread_siblings_list"
    return _text(file) or str(processor)


def _quotas(root: Path) -> Iterator[float]:
    """Processors' worth of time that each control group above this process grants.

    Version 2 writes "QUOTA PERIOD" or "max PERIOD" into ``cpu.max``; version 1 has two files, and
    -1 for no limit. In a container the groups above its own can't be seen, and its own may be
    mounted as the root: so every folder from the group's path up to the mount is looked at.
    """
    mount = root / "sys/fs/cgroup"
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers and "cpu" not in controllers.split(","):
            continue
        names = (controllers, "cpu") if controllers else ("", "unified")
        for top in (mount / name for name in dict.fromkeys(names)):
            group = top / path.strip("/")
            for folder in (group, *group.parents):
                yield from _quota(folder)
                if folder == top:
                    break


def _quota(folder: Path) -> Iterator[float]:
    words = _text(folder / "cpu.max").split() or [
        *_text(folder / "cpu.cfs_quota_us").split(),
        *_text(folder / "cpu.cfs_period_us").split(),
    ]
    if len(words) == 2 and words[0].isdigit() and words[1].isdigit() and int(words[1]):
        yield int(words[0]) / int(words[1])


def _text(file: Path) -> str:
    try:
        return file.read_text("ascii").strip()
    except (OSError, ValueError):
        return ""
