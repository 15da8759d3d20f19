"""The places to which a batch writes, looked at before anything is computed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from masam_core.batch.case import BatchCase
from masam_core.batch.names import safe_name
from masam_core.batch.queue import LOG_FOLDER, BatchQueue
from masam_core.batch.spec import BatchSpec
from masam_core.batch.states import TABLE_FILE
from masam_core.batch.stores import url_of
from masam_core.errors import ConfigError, SegmentationError
from masam_core.targets import require_folder, require_targets


def mask_of(case: BatchCase, spec: BatchSpec) -> Path:
    """The file of a case's masks."""
    return spec.out / f"{safe_name(case.name)}{spec.format}"


def results_of(case: BatchCase, spec: BatchSpec) -> list[Path]:
    """The files of a case: its masks, further formats, and the picture where one is wanted."""
    endings = [*spec.also, *([".png"] if spec.overlay else [])]
    return [mask_of(case, spec), *(spec.out / f"{safe_name(case.name)}{e}" for e in endings)]


def require_apart(cases: Sequence[BatchCase], spec: BatchSpec) -> None:
    """Refuse a folder of results that can't be written, or in which inputs would be replaced.

    Raises:
        ConfigError: it is the folder of the images, or of a DICOM series.
        SegmentationError: a folder or the table can't be written, or a result would replace an
            image or boxes.
    """
    place = place_of(spec.out)
    folders = [case.image for case in cases]
    if spec.source.is_dir():
        folders.append(spec.source)
    if any(place_of(folder) == place for folder in folders):
        raise ConfigError("Choose another folder for the results than that of the images.")
    require_folder(spec.out, SegmentationError)
    require_targets([spec.out / TABLE_FILE], raises=SegmentationError)
    require_folder(spec.out / LOG_FOLDER, SegmentationError)
    results = {_same(path) for case in cases for path in results_of(case, spec)}
    for path in (path for case in cases for path in (case.image, *case.boxes)):
        if _same(path) in results:
            raise SegmentationError(
                f"{path} would be replaced by a result of that name. Choose another folder for the "
                "results."
            )


def require_own_masks(cases: Sequence[BatchCase], spec: BatchSpec, queue: BatchQueue) -> None:
    """Refuse to replace masks that no batch has written, such as those that somebody has drawn.

    Raises:
        ConfigError: such a file is there.
    """
    for case in cases:
        if not queue.knows(case.name):
            for path in results_of(case, spec):
                if path.is_file():
                    raise ConfigError(
                        f"{path} is there already, and no batch has written it. Move it away, "
                        "choose another folder for the results, or begin anew (--fresh)."
                    )


def place_of(path: Path) -> str:
    """A path without links and from the root; one that no system takes, as far as that goes.

    Of a place in an object store, its address.
    """
    if url := url_of(path):
        return url
    try:
        return str(path.resolve())
    except (OSError, ValueError, RuntimeError):  # zeros in it, too long, links in a circle
        return str(path.absolute())


def _same(path: Path) -> str:
    return os.path.normcase(place_of(path))
