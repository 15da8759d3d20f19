"""Results on a disk that fails at some byte, with an older good file in place.

A limit on the length of files stands for the full disk: writing stops at that byte with an error,
which ITK's writers swallow as they do a full disk's.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from masam_core.atomic import append_text, write_text
from masam_core.batch.states import DONE, CaseState, StateFolder
from masam_core.errors import MasamError, WriteError
from masam_core.export.save import save
from masam_core.export.segmentation import write_probability
from masam_core.image.geometry import Geometry
from masam_core.image.intake import _write as write_taken_in
from masam_core.image.volume import Volume
from masam_core.lesion.lesion import Lesion
from masam_core.lesion.measure import measure
from masam_core.prompts.boxes import BoxPrompt
from masam_core.prompts.roi import write_roi
from masam_core.whole import Incomplete, require_whole
from Testing.fuzz.injection import Injection, Kind, Place
from Testing.fuzz.oracle import Lost, Wrong

SHAPE = (10, 32, 32)
VOLUME = Volume(
    np.random.default_rng(0).normal(0, 9, SHAPE).astype(np.int16),
    Geometry.from_spacing(SHAPE),
    "CT",
)
Write = Callable[[Path, int], None]


@cache
def lesion(number: int) -> Lesion:
    """A lesion whose mask and probabilities don't compress; another one for each number."""
    mask = np.random.default_rng(number).random(SHAPE) > 0.5
    probability = np.random.default_rng(number).random(SHAPE).astype(np.float32)
    box = BoxPrompt.from_voxels(0, 31, 0, 31, 0, 9, name=f"lesion {number}")
    return Lesion(
        name=box.name,
        mask=mask,
        offset_kji=(0, 0, 0),
        probability=probability,
        confidence=0.5,
        box=box,
        geometry=VOLUME.geometry,
        measurements=measure(mask, (0, 0, 0), VOLUME),
        messages=(),
        model="quick",
    )


def _weights(path: Path, number: int) -> None:
    import torch

    from masam_core.model.state_files import write_safetensors, write_torch

    state = {"weights": torch.from_numpy(lesion(number).known_probability().copy())}
    if path.suffix == ".pth":
        write_torch(path, state)
    else:
        write_safetensors(path, state, {"number": str(number)})


def _table(path: Path, number: int) -> None:
    save([lesion(number)] * 40, path, VOLUME)


def _mask(path: Path, number: int) -> None:
    save([lesion(number)], path, VOLUME)


def _map(path: Path, number: int) -> None:
    write_probability(path, [lesion(number)], VOLUME)


def _page(path: Path, number: int) -> None:
    write_text(path, f"<html>{number}" + "x" * 9000 + "</html>")


def _state(path: Path, number: int) -> None:
    StateFolder(path.parent.parent).write(path.stem, CaseState(DONE, str(number) * 500))


def _taken_in(path: Path, number: int) -> None:
    write_taken_in(Volume(VOLUME.array + np.int16(number), VOLUME.geometry), path)


def _picture(path: Path, number: int) -> None:
    from masam_core.export.overlay.overlay import render_overlay

    render_overlay(path, VOLUME, [lesion(number)])


@cache
def _scene(number: int) -> Any:
    """A scene of Slicer's with an image and a box."""
    import slicer
    from vtk import vtkImageData
    from vtk.util.numpy_support import numpy_to_vtk

    image = vtkImageData()
    image.SetDimensions(*SHAPE[::-1])
    values = np.random.default_rng(number).integers(0, 255, SHAPE).astype(np.uint8)
    image.GetPointData().SetScalars(numpy_to_vtk(values.ravel(), deep=True))
    scene, volume = slicer.vtkMRMLScene(), slicer.vtkMRMLScalarVolumeNode()
    volume.SetAndObserveImageData(image)
    volume.SetName("scan")
    scene.AddNode(volume)
    scene.AddNode(slicer.vtkMRMLMarkupsROINode())
    volume.AddDefaultStorageNode()
    return scene


def _bundle(path: Path, number: int) -> None:
    from MASAMSlicerLib.scene.scenefile import saveScene

    saveScene(_scene(number), path)


WRITERS: dict[str, Write] = {
    "mask.nii": _mask,
    "mask.nii.gz": _mask,
    "mask.nrrd": _mask,
    "mask.mha": _mask,
    "mask.seg.nrrd": _mask,
    "map.nii": _map,
    "map.nii.gz": _map,
    "map.nrrd": _map,
    "map.mha": _map,
    "table.csv": _table,
    "report.html": _page,
    "box.mrk.json": lambda path, number: write_roi(
        path, (0, 0, 0), (5, 5, 5), name=str(number) * 99
    ),
    ".masam/case.json": _state,
    "model.safetensors": _weights,
    "model.pth": _weights,
    "upload.nrrd": _taken_in,
}
DEAR: dict[str, Write] = {"picture.png": _picture, "scene.mrb": _bundle}


@cache
def _good(name: str, folder: Path) -> tuple[bytes, bytes]:
    """The file of two versions, written without a fault."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    versions = []
    for number in (1, 2):
        (WRITERS | DEAR)[name](path, number)
        versions.append(path.read_bytes())
        path.unlink()
    return versions[0], versions[1]


@contextlib.contextmanager
def short_disk(most: int) -> Iterator[None]:
    """No file can become longer meanwhile."""
    import resource

    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)


def _faults(names: Any) -> st.SearchStrategy[Injection]:
    share = st.floats(0, 1.05) | st.sampled_from((0.0, 0.999, 0.9999, 1.0))
    pairs = st.tuples(st.sampled_from(sorted(names)), share)
    return pairs.map(lambda pair: Injection({}, pair[0], settings={"share": pair[1]}))


def fail_at(place: Place, injection: Injection) -> Any:
    """Write over an older file; the disk fails at a byte, and the older one must be there then."""
    name, path = injection.target, place.results / injection.target
    older, newer = _good(name, place.folder.parent / "good")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(older)
    most = int(injection.settings["share"] * len(newer))
    try:
        with short_disk(most):
            (WRITERS | DEAR)[name](path, 2)
    except MasamError:
        if path.read_bytes() != older:
            raise Lost(
                f"{name}: {path.stat().st_size} of {len(newer)} bytes in the older's place"
            ) from None
        raise
    finally:
        left = [p.name for p in path.parent.iterdir() if p != path]
        if left:
            raise Wrong(f"{name}: left behind {left}")
    _require_new(path, older, newer)
    return None


def _require_new(path: Path, older: bytes, newer: bytes) -> None:
    """Raise Lost unless the newer file is there whole."""
    found = path.read_bytes()
    if found == newer:
        return
    try:
        require_whole(path)
    except Incomplete as error:
        raise Lost(f"{path.name}: said to be written, and {error}") from error
    timed = path.suffix == ".mrb"  # the archive holds the time, and is never the same twice
    if found == older or (len(found) != len(newer) and not timed):
        raise Lost(f"{path.name}: said to be written, and is another file of {len(found)} bytes")


def add_line(place: Place, injection: Injection) -> Any:
    """Add to a log where the disk fails; it is as long as before then."""
    path = place.results / injection.target
    older, line = "step,loss\n" * 50, "x" * 300 + "\n"
    path.write_text(older)
    try:
        with short_disk(int(len(older) + injection.settings["share"] * len(line))):
            append_text(path, line)
    except WriteError:
        if path.read_text() != older:
            raise Lost("half a line was added") from None
        raise
    if path.read_text() != older + line:
        raise Lost("a line is missing")
    return None


def kill_at(place: Place, injection: Injection) -> Any:
    """Kill a process that writes over an older file; one of the two must be there whole."""
    name, path = injection.target, place.results / injection.target
    older, newer = _good(name, place.folder.parent / "good")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(older)
    child = os.fork()
    if not child:
        try:
            (WRITERS | DEAR)[name](path, 2)
        finally:
            os._exit(0)
    time.sleep(injection.settings["share"] * 0.03)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    if path.read_bytes() != older:
        _require_new(path, older, newer)
    return None


KINDS = (
    Kind("full disk", _faults(WRITERS), fail_at, names_target=False, cost=2.0),
    Kind("full disk, pictures", _faults(["picture.png"]), fail_at, seconds=60.0, cost=40.0),
    Kind("full disk, scenes", _faults(["scene.mrb"]), fail_at, seconds=60.0, cost=8.0),
    Kind("full disk, logs", _faults(("log.csv",)), add_line),
    # Not the weights: PyTorch's threads are lost in a copy of the process.
    Kind(
        "killed while writing", _faults(n for n in WRITERS if "model" not in n), kill_at, cost=3.0
    ),
)
