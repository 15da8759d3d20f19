"""A patient with a DICOM series of each of several days."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from Testing.core.export.dicom.making import patient_series

STUDIES = ("1.2.3.100", "1.2.3.200", "1.2.3.300")
DAYS = ("20240110", "20240409", "20240708")


def write_studies(
    folder: Path, count: int = 2, shape: tuple[int, int, int] = (8, 12, 10), **tags: Any
) -> list[Path]:
    """A folder a study, oldest first; a tag may be a tuple of one value a study."""
    found = []
    for number, (study, day) in enumerate(zip(STUDIES[:count], DAYS[:count], strict=True)):
        own = {n: v[number] if isinstance(v, tuple) else v for n, v in tags.items()}
        values: dict[str, Any] = {
            "StudyInstanceUID": study,
            "StudyDate": day,
            "SeriesInstanceUID": f"{study}.1",
            "SOPInstanceUID": lambda k, study=study: f"{study}.1.{k + 1}",
            **own,
        }
        array = np.random.default_rng(number + 1).integers(0, 90, shape).astype(np.int16)
        found.append(patient_series(folder / str(number + 1), array, **values))
    return found
