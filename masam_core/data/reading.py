"""Reading a data set, whatever its layout."""

from __future__ import annotations

from pathlib import Path

from masam_core.data.cases import Case
from masam_core.data.layouts.registry import LAYOUTS
from masam_core.data.splits import require_whole_patients
from masam_core.errors import ConfigError


def read_cases(path: str | Path) -> list[Case]:
    """Read the image and label pairs of a data set, in the first layout that recognises it.

    Args:
        path: folder or list; see ``masam_core.data.layouts.registry``.

    Raises:
        ConfigError: nothing there, no known layout, a file that is missing, or a patient in two
            splits; also what the layout refuses.
    """
    path = Path(path)
    layout = next((known for known in LAYOUTS if known.recognise(path)), None)
    if layout is None:
        expected = "; ".join(known.LOOKS_LIKE for known in LAYOUTS)
        what = "holds no case list" if path.exists() else "does not exist, so it is no case list"
        raise ConfigError(f"{path} {what}. Expected one of: {expected}.")
    cases = layout.read(path)
    for case in cases:
        for file in (case.image, case.label):
            if not file.exists():
                raise ConfigError(f"{path} lists {case.name}, but {file} is missing.")
    require_whole_patients(cases, path)
    return cases
