"""Masks of other programs in a folder: a file a case, as nnU-Net writes them, among others."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from masam_core.data.cases import Case
from masam_core.data.prepare.write import DONE
from masam_core.errors import ConfigError, VolumeError
from masam_core.image.geometry import Geometry
from masam_core.image.lattice import on_grid
from masam_core.image.volume import read_labels, stem
from masam_core.video.frames import is_video
from masam_core.video.labels import LabelFrames, open_label_frames

ENDINGS = (".nii.gz", ".nii", ".nrrd", ".mha")
CHANNEL = "_0000"  # nnU-Net's name of a first channel


def find_predictions(folder: Path, cases: Sequence[Case]) -> dict[str, Path]:
    """The mask of each case: a label image by its name, of a video a folder of label pictures.

    A name is the case's own, or that of the file which the owner gave it (``img0035`` for
    ``btcv0035``), as nnU-Net's results are called after the files they were made of.

    Args:
        folder: of one method's results, without subfolders for volumes.
        cases: that are evaluated.

    Raises:
        ConfigError: no folder, a case without a mask (names some of them), or a mask that the
            owner's names give to two cases, as ``Case03`` of two sites.
    """
    if not folder.is_dir():
        raise ConfigError(f"{folder} is no folder of masks.")
    found: dict[str, Path] = {}
    for case in cases:
        endings = ("",) if is_video(case.image) else ENDINGS
        tries = [folder / f"{name}{ending}" for name in _names(case) for ending in endings]
        path = next((t for t in tries if t.exists()), None)
        if path is not None:
            found[case.name] = path
    lacking = [case.name for case in cases if case.name not in found]
    if lacking:
        some = ", ".join(lacking[:5]) + (", ..." if len(lacking) > 5 else "")
        raise ConfigError(
            f"{folder} holds no mask of {len(lacking)} of the {len(cases)} cases ({some}). "
            f"Expected {lacking[0]}.nii.gz or the like, for a video a folder {lacking[0]} with a "
            "picture a frame."
        )
    case_of: dict[Path, str] = {}
    for name, path in found.items():
        if path in case_of:
            raise ConfigError(
                f"{path} could be the mask of {case_of[path]} and of {name}; name the masks after "
                f"the cases ({case_of[path]}{''.join(path.suffixes)}), or evaluate one list of "
                "cases at a time."
            )
        case_of[path] = name
    return found


def read_prediction(path: Path, geometry: Geometry) -> NDArray[Any]:
    """Label values KJI of a mask on the image's grid.

    Raises:
        VolumeError: no label image, or one on another grid.
    """
    labels, own = read_labels(path)
    return on_grid(labels, own, geometry, path)


def read_video_prediction(path: Path, expert: LabelFrames) -> LabelFrames:
    """Label pictures of a video, in the expert's order.

    Raises:
        VolumeError: a frame without a picture.
    """
    own = open_label_frames(path)
    named = dict(zip(own.names, own.files, strict=True))
    lacking = [name for name in expert.names if name not in named]
    if lacking:
        raise VolumeError(f"{path} lacks the frame {lacking[0]}, and {len(lacking) - 1} others.")
    return LabelFrames(tuple(named[name] for name in expert.names), path)


def _names(case: Case) -> list[str]:
    names = [case.name, stem(case.image)]
    try:
        account = json.loads((case.image.parent / DONE).read_text(encoding="utf-8"))
        names += [stem(Path(str(file))) for file, _ in account["files"]]
    except (OSError, ValueError, TypeError, KeyError):
        pass  # no data set of masam prepare
    short = [name.removesuffix(CHANNEL) for name in names]
    return list(dict.fromkeys(n for n in (*names, *short) if n not in ("image", "label")))


def same_size(labels: NDArray[np.uint8], expert: NDArray[np.uint8], path: Path) -> None:
    """Check that a label picture has the size of the expert's.

    Raises:
        VolumeError: it has not.
    """
    if labels.shape != expert.shape:
        raise VolumeError(
            f"{path} has {labels.shape[1]} x {labels.shape[0]} pixels; the expert's labels have "
            f"{expert.shape[1]} x {expert.shape[0]}."
        )
