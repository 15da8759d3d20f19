"""What a worker checks of the machine and the Python that it runs in."""

from __future__ import annotations

from collections.abc import Callable

from masam_core.errors import Cancelled
from masam_core.installation.finding import Finding, State, guarded

Progress = Callable[[float, str], None]


def check_machine(
    model: str, device: str, progress: Progress, cancelled: Callable[[], bool]
) -> list[Finding]:
    """Run every check of the worker's side; one that fails stops no other.

    Args:
        model: the chosen model: name of the catalogue, or path of a weight file.
        device: as chosen: ``auto``, ``cpu``, ``cuda:0``, ...
        progress: called with a fraction and the title of the check that begins.
        cancelled: asked between two checks.

    Raises:
        Cancelled: ``cancelled`` said so.
    """
    from masam_core.inference.runtimes.openvino_device import has_torch, is_openvino
    from masam_core.installation import gpu, openvino, python, pytorch, room
    from masam_core.installation import model as files

    # PyTorch before the rest: where it is missing, that is the first thing to say.
    checks: dict[str, Callable[[], Finding]] = {
        "Python": python.check_python,
        "PyTorch": pytorch.check_pytorch,
        "OpenVINO": openvino.check_openvino,
        "Packages": lambda: python.check_packages(python.FOR_WORKER),
        "GPU": lambda: gpu.check_gpu(device),
        "Memory": room.check_memory,
        "Disk": room.check_disk,
        "Model file": files.check_bundled,
    }
    if model != "bundled":
        checks["Chosen model"] = lambda: files.check_chosen(model)
    found: list[Finding] = []
    for number, (title, check) in enumerate(checks.items()):
        if cancelled():
            raise Cancelled("The check was stopped.")
        progress(number / len(checks), title)
        broken = any(f.title == "PyTorch" and f.state is State.PROBLEM for f in found)
        if title == "GPU" and broken:
            found.append(Finding("GPU", State.SKIPPED, "Not checked: PyTorch does not work."))
        elif title == "GPU" and (is_openvino(device) or not has_torch()):
            found.append(guarded(title, lambda: openvino.check_device(device)))
        else:
            found.append(guarded(title, check))
    return found
