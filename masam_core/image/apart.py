"""Read an image in a process of its own, with a limit of time and of memory.

A file that brings its reader down, or keeps it busy for ever, ends that process and no other. The
process gets its request over standard input, so that no file name stands in the system's list of
processes; it writes the voxels to a file in a folder of ours and answers with one JSON object.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from masam_core.errors import MasamError, VolumeError
from masam_core.image.geometry import Geometry
from masam_core.image.intake import limit_memory, own_output
from masam_core.image.volume import Volume, read_volume, stem
from masam_core.process_tree import kill_tree

READ_SECONDS = 600.0  # a large DICOM series from a slow network drive


def read_apart(
    path: Path | str, seconds: float = READ_SECONDS, series: str | None = None
) -> Volume:
    """Read a 3D scalar image as ``read_volume`` does, in a process of its own.

    Args:
        path: as for ``read_volume``.
        seconds: after which the process is ended.
        series: as for ``read_volume``.

    Raises:
        VolumeError: as ``read_volume``; or it took too long, or the process ended.
    """
    path = Path(path)
    with tempfile.TemporaryDirectory(prefix="masam-") as folder:
        target = Path(folder) / "voxels.npy"
        request = {"path": str(path.absolute()), "series": series, "target": str(target)}
        facts = _ask(request, path, seconds)
        if "error" in facts:
            # The child was given the absolute path; messages have it as the caller wrote it.
            raise VolumeError(str(facts["error"]).replace(str(path.absolute()), str(path)))
        array = np.load(target, allow_pickle=False)
    k, j, i = array.shape
    geometry = Geometry((k, j, i), np.array(facts["ijk_to_lps"]))
    notes = tuple(str(note) for note in facts["notes"])
    return Volume(array, geometry, facts["modality"], stem(path), path, notes)


def _ask(request: dict[str, Any], path: Path, seconds: float) -> dict[str, Any]:
    """Run the process; what it says."""
    root = Path(__file__).resolve().parents[2]
    paths = [str(root), *filter(None, [os.environ.get("PYTHONPATH")])]
    process = subprocess.Popen(
        [sys.executable, "-m", "masam_core.image.apart"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
    )
    try:
        out, _ = process.communicate(json.dumps(request).encode("ascii"), seconds)
        return dict(json.loads(out))
    except subprocess.TimeoutExpired:
        raise VolumeError(
            f"{path} took longer than {seconds:g} s to read, and was given up. It may be damaged, "
            "or lie on a drive that does not answer."
        ) from None
    except ValueError:
        raise VolumeError(
            f"{path} could not be read: it brought the reader down. The file is damaged or no "
            "image; nothing else was harmed."
        ) from None
    finally:
        if process.poll() is None:
            kill_tree(process.pid)
            process.communicate()


def main() -> int:
    """Answer one request from standard input; 0 where an image was read."""
    request = json.loads(sys.stdin.buffer.read())
    limit_memory()
    out = own_output()
    try:
        volume = read_volume(request["path"], request["series"])
        np.save(request["target"], volume.array, allow_pickle=False)
        answer: dict[str, Any] = {
            "modality": volume.modality,
            "ijk_to_lps": volume.geometry.ijk_to_lps.tolist(),
            "notes": list(volume.notes),
        }
    except MasamError as error:
        answer = {"error": str(error)}
    except MemoryError:
        answer = {"error": f"{request['path']} is too large for this machine's memory."}
    except OSError as error:
        answer = {"error": f"{request['path']} could not be read: {error.strerror or error}."}
    print(json.dumps(answer), file=out, flush=True)
    return 1 if "error" in answer else 0


if __name__ == "__main__":
    sys.exit(main())
