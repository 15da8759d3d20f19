"""Read images in a process of its own, with a limit of time and of memory.

A file that brings its reader down, or keeps it busy for ever, ends that process and no other. One
process serves all reading of a program, one image after the other; it is started with the first,
started again after it fell, and ends when the program does. What comes from elsewhere has a process
for itself. Requests go over its standard input, so that no file name stands in the system's list of
processes; voxels come back in a file of ours, the rest as one line of JSON.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from masam_core.errors import MasamError, TooSlow, VolumeError
from masam_core.image.formats.dicom.origin import SourceImages
from masam_core.image.geometry import Geometry
from masam_core.image.intake import take_in
from masam_core.image.readable import readable
from masam_core.image.volume import Volume, read_volume, stem, whole_numbers
from masam_core.process_tree import kill_tree

MEMORY_BYTES = 16 << 30
READ_SECONDS = 600.0  # a large DICOM series from a slow network drive
ROOT = Path(__file__).resolve().parents[2]


def read_apart(path: Path | str, seconds: float | None = None, series: str | None = None) -> Volume:
    """Read a 3D scalar image as ``read_volume`` does, in another process.

    Args:
        path: as for ``read_volume``.
        seconds: after which the process is ended; None is READ_SECONDS.
        series: as for ``read_volume``.

    Raises:
        VolumeError: as ``read_volume``; or the process ended.
        TooSlow: it took too long.
    """
    path = Path(path)
    absolute = str(path.absolute())
    with tempfile.TemporaryDirectory(prefix="masam-") as folder:
        target = Path(folder) / "voxels.npy"
        request = {"path": absolute, "series": series, "target": str(target)}
        facts = _READER.ask(request, path, READ_SECONDS if seconds is None else seconds)
        # The other process was given the absolute path; words have it as it was given here.
        if "error" in facts:
            raise VolumeError(str(facts["error"]).replace(absolute, str(path)))
        array = np.load(target, allow_pickle=False)
    k, j, i = array.shape
    images = facts.get("images")
    geometry = Geometry(
        (k, j, i),
        np.array(facts["ijk_to_lps"]),
        None if images is None else SourceImages.from_dict(images),
    )
    notes = tuple(str(note).replace(absolute, str(path)) for note in facts["notes"])
    return Volume(array, geometry, facts["modality"], readable(stem(path)), path, notes)


def read_labels_apart(path: Path | str) -> tuple[NDArray[np.int64], Geometry]:
    """Read a label image as ``read_labels`` does, in another process; see :func:`read_apart`."""
    found = read_apart(path)
    return whole_numbers(found.array, path), found.geometry


def take_in_apart(
    reader: Reader,
    source: Path,
    target: Path,
    name: str,
    series: str | None = None,
    seconds: float = READ_SECONDS,
) -> dict[str, Any]:
    """Have a reader take in an image of unknown origin; see ``masam_core.image.intake.take_in``.

    Args:
        reader: that does it; closed by another thread, it stops at once. What it has unpacked may
            then lie beside ``target`` still.
        source, target, name, series: as for ``take_in``.
        seconds: after which the process is ended.

    Raises:
        VolumeError: as ``take_in``; or it took too long, or the process ended.
    """
    request = {"path": str(source), "target": str(target), "name": name, "series": series}
    facts = reader.ask(request, f"'{name}'", seconds)
    if "error" in facts:
        raise VolumeError(str(facts["error"]))
    return facts


class Reader:
    """The process, started when it is needed."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._asking = threading.Lock()
        self._starting = threading.Lock()
        self._closed = False

    def ask(self, request: dict[str, Any], path: object, seconds: float) -> dict[str, Any]:
        """Send one request, and wait for its answer; see :func:`read_apart`."""
        with self._asking:
            try:
                process = self._running()
            except OSError as error:
                raise VolumeError(
                    f"{path} could not be read: its reader could not be started "
                    f"({error.strerror or error}). Close other programs, and try again."
                ) from error
            lines: list[bytes] = []
            waiting = threading.Thread(
                target=_exchange, args=(process, request, lines), daemon=True
            )
            waiting.start()
            waiting.join(seconds)
            slow = waiting.is_alive()
            try:
                return dict(json.loads(lines[0]))
            except (IndexError, ValueError):
                self.end()
        if slow:
            raise TooSlow(
                f"{path} took longer than {seconds:g} s to read, and was given up. It may be "
                "damaged, or lie on a drive that does not answer."
            )
        raise VolumeError(
            f"{path} could not be read: it brought the reader down. The file is damaged or no "
            "image; nothing else was harmed."
        )

    def _running(self) -> subprocess.Popen[bytes]:
        with self._starting:
            if self._closed:
                raise VolumeError("The reader of images was ended.")
            process = self._process
            if process is None or process.poll() is not None:
                paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
                process = self._process = subprocess.Popen(
                    [_python(), "-m", "masam_core.image.apart"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
                )
            return process

    def close(self) -> None:
        """End the process for good, also while another thread waits for its answer."""
        with self._starting:
            self._closed = True
        self.end()

    def end(self) -> None:
        """End the process, if it runs; the next request starts another."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            kill_tree(process.pid)
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()


def _python() -> str:
    """This program's Python; inside an application (Slicer), the one that comes with it."""
    own = sys.executable or ""
    if "python" in Path(own).name.lower():
        return own
    return shutil.which("PythonSlicer") or own


def _exchange(
    process: subprocess.Popen[bytes], request: dict[str, Any], lines: list[bytes]
) -> None:
    """Write a request and read its answer; nothing is added where the process has ended."""
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps(request).encode("ascii") + b"\n")
        process.stdin.flush()
        lines.append(process.stdout.readline())
    except (OSError, ValueError):  # it has ended, or its streams were closed meanwhile
        return


_READER = Reader()
atexit.register(_READER.end)


def main() -> None:
    """Answer requests until standard input ends, with the program that started this one."""
    limit_memory()
    out = own_output()
    for line in sys.stdin.buffer:
        print(json.dumps(_answer(json.loads(line))), file=out, flush=True)


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    path = request["path"]
    shown = f"'{request['name']}'" if "name" in request else path
    try:
        if "name" in request:
            return take_in(Path(path), Path(request["target"]), request["name"], request["series"])
        volume = read_volume(path, request["series"])
        np.save(request["target"], volume.array, allow_pickle=False)
    except MasamError as error:
        return {"error": str(error)}
    except MemoryError:
        return {"error": f"{shown} is too large for this machine's memory."}
    except (OSError, ValueError) as error:  # ValueError: a path that no system takes
        reason = getattr(error, "strerror", None) or error
        return {"error": f"{shown} could not be read: {reason}."}
    images = volume.geometry.images
    return {
        "modality": volume.modality,
        "ijk_to_lps": volume.geometry.ijk_to_lps.tolist(),
        "images": None if images is None else images.to_dict(),
        "notes": list(volume.notes),
    }


def own_output() -> TextIO:
    """Standard output for the answer alone: what libraries write there goes to standard error."""
    own = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return own


def limit_memory() -> None:
    """Have the system refuse this process more memory, where it can."""
    with contextlib.suppress(ImportError, ValueError, OSError):  # not on every system
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


if __name__ == "__main__":
    main()
