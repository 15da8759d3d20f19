"""Values in the tags of a Slicer segment, which may hold neither bars nor backslashes.

Slicer writes a segment's tags as ``name:value|name:value`` into one line of a ``.seg.nrrd`` header,
where a backslash starts an escape. A value is JSON in which both, and the percent sign that stands
for them, are written as in a URL.
"""

from __future__ import annotations

import json
from typing import Any

PROMPTS, CUTS, LOOKED = "MASAM.Prompts", "MASAM.Cuts", "MASAM.LookedMM"
BOX, VOLUME = "MASAM.BoxCornersLPS", "MASAM.VolumeSHA256"
_CODES = (("%", "%25"), ("|", "%7C"), ("\\", "%5C"))


def to_tag(value: Any) -> str:
    """A value that JSON can hold, as a tag's text on one line."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for sign, code in _CODES:
        text = text.replace(sign, code)
    return text


def from_tag(text: str) -> Any:
    """The inverse of :func:`to_tag`; ValueError for a text that is none."""
    for sign, code in reversed(_CODES):
        text = text.replace(code, sign)
    return json.loads(text)
