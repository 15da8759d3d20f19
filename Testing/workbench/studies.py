"""A patient and the next study of the same one, turned and moved by a known motion, as files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from masam_core.export.seg_nrrd import Segment, write_seg_nrrd
from Testing.core.followup.phantoms import GEOMETRY, TURNED, Ball, masks, volume

BALL, GROWN = Ball((-20.0, 5.0, 0.0), 9.0), Ball((-20.0, 5.0, 0.0), 12.0)
_FLIP = np.array([-1.0, -1.0, 1.0])


@dataclass(frozen=True)
class Studies:
    """Files: both images, and the masks that somebody has drawn in each."""

    earlier: Path
    later: Path
    lesions: Path
    grown: Path


def writeStudies(folder: Path, patient: int = 0) -> Studies:
    """Write them.

    Args:
        folder: of the files.
        patient: of the later study; 0 is the earlier one's.
    """
    found = Studies(
        folder / "first.nii.gz",
        folder / "second.nii.gz",
        folder / "first.seg.nrrd",
        folder / "second.seg.nrrd",
    )
    images = (volume([BALL]), volume([GROWN], TURNED, seed=2, patient=patient))
    for path, image in zip((found.earlier, found.later), images, strict=True):
        made = sitk.GetImageFromArray(np.rint(image.array).astype(np.int16))
        made.SetSpacing(GEOMETRY.spacing.tolist())
        made.SetOrigin(GEOMETRY.lps_from_ijk([(0.0, 0.0, 0.0)])[0].tolist())
        sitk.WriteImage(made, str(path))
    drawn = ((found.lesions, masks([BALL])), (found.grown, masks([GROWN], TURNED)))
    for path, (mask,) in drawn:
        segment = Segment("Liver lesion", mask.mask, mask.offset_kji, (0.9, 0.3, 0.2))
        write_seg_nrrd(path, [segment], GEOMETRY)
    return found


def earlierOf(ras: np.ndarray) -> np.ndarray:
    """Where a place of the later study is in the earlier one, by the motion; RAS, mm."""
    place = TURNED.transform().TransformPoint((np.asarray(ras) * _FLIP).tolist())
    return np.array(place) * _FLIP


def laterOf(ras: np.ndarray) -> np.ndarray:
    """The other way round."""
    back = TURNED.transform().GetInverse()
    return np.array(back.TransformPoint((np.asarray(ras) * _FLIP).tolist())) * _FLIP
