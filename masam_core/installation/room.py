"""Room: main memory, and the disk of the models and of temporary files."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from pathlib import Path

from masam_core.installation.finding import Finding, State

LITTLE_MEMORY = 1.5e9  # bytes; a run of the bundled model takes about one
LITTLE_DISK = 1e9  # bytes


def check_memory() -> Finding:
    """Check how much main memory there is, and is free."""
    from masam_core.installation.devices import main_memory

    total, free = main_memory()
    if total is None:
        return Finding("Memory", State.OK, "The system does not say how much there is.")
    if free is None:
        return Finding("Memory", State.OK, f"{total / 1e9:.1f} GB")
    words = f"{free / 1e9:.1f} of {total / 1e9:.1f} GB free"
    if free < LITTLE_MEMORY:
        return Finding(
            "Memory",
            State.NOTE,
            f"{words}; that is little.",
            "Close other programs before you segment.",
        )
    return Finding("Memory", State.OK, words)


def check_disk() -> Finding:
    """Check that the temporary folder can be written to, and how much room there is."""
    temporary = Path(tempfile.gettempdir())
    try:
        with tempfile.TemporaryFile(dir=temporary) as file:
            file.write(b"masam")
    except OSError as error:
        return Finding(
            "Disk",
            State.PROBLEM,
            f"The temporary folder {temporary} can't be written to ({error.strerror}).",
            "Make room there, or set TMPDIR (Windows: TEMP) to another folder.",
        )
    places = {"temporary files": temporary}
    with contextlib.suppress(ImportError):  # the check of the packages tells what is missing
        from masam_core.catalog.store import models_dir

        places["models"] = _existing(models_dir())
    free = {name: shutil.disk_usage(folder).free for name, folder in places.items()}
    words = ", ".join(f"{room / 1e9:.1f} GB free for {name}" for name, room in free.items())
    if min(free.values()) < LITTLE_DISK:
        return Finding("Disk", State.NOTE, f"{words}; that is little.", "Make room.")
    return Finding("Disk", State.OK, words)


def _existing(folder: Path) -> Path:
    """A folder, or the nearest one above it that is there."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder
