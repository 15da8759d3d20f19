"""A head CT of a tilted gantry, by the formula of DICOM PS3.3, C.7.6.2.1.1, with a ball in it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from Testing.core.export.dicom.making import PATIENT
from Testing.core.image.formats.dicom.making import series

TILT = math.radians(18)
ROW, COLUMN = np.array([1.0, 0.0, 0.0]), np.array([0.0, math.cos(TILT), -math.sin(TILT)])
NORMAL = np.cross(ROW, COLUMN)
SPACING = (1.5, 0.75)  # mm between rows, between columns
TABLE = np.array([0.0, 0.0, 4.0])  # the table moves along the patient, whatever the gantry does
FIRST = np.array([-14.0, -20.0, 100.0])
SHAPE = (14, 30, 40)  # images, rows, columns
CENTER, RADIUS = np.array([2.0, 7.0, 128.0]), 11.0  # of the ball, LPS mm


def position(k: int) -> np.ndarray:
    """Of an image's first pixel."""
    return FIRST + k * TABLE


def places() -> np.ndarray:
    """(K, J, I, 3) LPS mm of every pixel, as a viewer places it."""
    k, j, i = np.indices(SHAPE).reshape(3, *SHAPE)[..., None]
    return FIRST + k * TABLE + i * SPACING[1] * ROW + j * SPACING[0] * COLUMN


def ball() -> np.ndarray:
    """The ball on the images' own pixels, bool KJI."""
    return np.asarray(np.linalg.norm(places() - CENTER, axis=-1) <= RADIUS)


def write(folder: Path, **tags: Any) -> Path:
    """Write the series: 40 HU, the ball 120 HU."""
    values = np.where(ball(), 120, 40).astype(np.int16)
    given: dict[str, Any] = {
        **PATIENT,
        "ImageOrientationPatient": [*ROW, *np.round(COLUMN, 6)],
        "ImagePositionPatient": lambda k: [round(float(v), 5) for v in position(k)],
        "PixelSpacing": list(SPACING),
        "SOPInstanceUID": lambda k: f"1.2.3.99.1.{k + 1}",
        "StudyInstanceUID": "1.2.3.99",
        **tags,
    }
    return series(folder, values, **given)
