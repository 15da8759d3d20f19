"""Write one case into the folder that train and evaluate read."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from masam_core.atomic import atomic_path, checked, write_text
from masam_core.data.prepare.check import labels_on_image
from masam_core.data.prepare.dataset import Dataset, Found
from masam_core.image.geometry import Geometry
from masam_core.image.volume import read_labels
from masam_core.targets import require_folder
from masam_core.video.pictures import class_numbers, classes_of_colours, indexed

DONE = "source.json"  # written last: a case without it is not whole
BLOCK = 1 << 20


def is_written(folder: Path, case: Found, dataset: Dataset, image_geometry: bool) -> bool:
    """Whether an earlier run has written the case, whole and from these same files."""
    try:
        kept = json.loads((folder / case.name / DONE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(kept == _account(case, dataset, image_geometry))


def write_case(folder: Path, case: Found, dataset: Dataset, image_geometry: bool = False) -> None:
    """Write image and label; the image's bytes stay as they are.

    Args:
        folder: of the prepared data set.
        case: that was looked through, see ``check``.
        dataset: says what labels mean.
        image_geometry: as for the check.

    Raises:
        WriteError: no room or no right; the case then counts as not written.
    """
    own = folder / case.name
    require_folder(own)
    (own / DONE).unlink(missing_ok=True)
    if isinstance(case.image, tuple):
        _write_frames(own, case, dataset)
    else:
        _copy_packed(case.image, own / "image.nii.gz")
        labels, geometry = labels_on_image(case, dataset, image_geometry)
        _write_labels(own / "label.nii.gz", labels, geometry)
    write_text(own / DONE, json.dumps(_account(case, dataset, image_geometry)))


def _write_frames(own: Path, case: Found, dataset: Dataset) -> None:
    assert isinstance(case.image, tuple)
    assert isinstance(case.label, tuple)
    for part in ("image", "label"):
        shutil.rmtree(own / part, ignore_errors=True)
        require_folder(own / part)
    for image, label in zip(case.image, case.label, strict=True):
        _copy(image, own / "image" / image.name)
        classes, _ = classes_of_colours(label, dataset.colours)
        with atomic_path(own / "label" / f"{label.stem}.png") as temporary:
            indexed(classes, dataset.colours).save(temporary)
            checked(temporary, lambda p, c=classes: np.array_equal(class_numbers(p), c))  # type: ignore[misc]


def _write_labels(path: Path, labels: NDArray[np.uint8], geometry: Geometry) -> None:
    image = sitk.GetImageFromArray(labels)
    geometry.apply_to_sitk(image)

    def same(written: Path) -> bool:
        array, grid = read_labels(written)
        return np.array_equal(array, labels) and grid.same_grid(geometry, tolerance=0.01)

    with atomic_path(path) as temporary:
        sitk.WriteImage(image, str(temporary), True)
        checked(temporary, same)


def _copy_packed(source: Path, target: Path) -> None:
    """Copy a NIfTI file; one that is not compressed becomes so."""
    with source.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    if packed:
        _copy(source, target)
        return
    with (
        atomic_path(target) as temporary,
        source.open("rb") as read,
        gzip.open(temporary, "wb", 4) as write,
    ):
        shutil.copyfileobj(read, write, BLOCK)


def _copy(source: Path, target: Path) -> None:
    with atomic_path(target) as temporary, source.open("rb") as read, temporary.open("wb") as write:
        shutil.copyfileobj(read, write, BLOCK)


def _account(case: Found, dataset: Dataset, image_geometry: bool) -> dict[str, Any]:
    """What a prepared case was made of; names alone, since folders may move."""
    files = [[f.name, f.stat().st_size] for f in case.files]
    merged = {str(value): counts_as for value, counts_as in dataset.merged.items()}
    own = bool(image_geometry)
    return {"dataset": dataset.name, "files": files, "merged": merged, "image_geometry": own}
