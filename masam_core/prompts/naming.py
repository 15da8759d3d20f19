"""What the names of files and control points say: of which lesion, and whether it belongs to it."""

from __future__ import annotations

import re

NEGATIVE = frozenset({"neg", "negative", "not", "outside", "background"})
# Names that Slicer gives by itself: of nodes, before the numbers that it counts them by.
_OWN = frozenset({"f", "l", "c", "cc", "oc", "p", "r", "point", "line", "curve", "fiducial"})
_NUMBER = re.compile(r"[\s_-]*\d+$")


def says_negative(*names: str) -> bool:
    """Whether a name says that something does not belong to the lesion.

    It does so by a ``-`` at its beginning, or by its first or last word, whatever the case and
    without the numbers that Slicer adds: neg, negative, not, outside, background. ``neg-3``,
    ``-``, ``not vessel`` and ``scan7_negative`` do; ``nodule`` does not, nor do ``N1`` and ``N2``,
    which are lymph nodes.
    """
    return any(_negative(name) for name in names)


def _negative(name: str) -> bool:
    text = name.strip().lower()
    if text.startswith("-"):
        return True
    words = re.findall(r"[^\W_]+", _NUMBER.sub("", text))
    return bool(words) and bool({words[0], words[-1]} & NEGATIVE)


def lesion_name(label: str) -> str:
    """The name of a lesion that a control point's label says; empty for Slicer's own numbers.

    ``F-1`` says nothing, ``Liver-1`` (the node's name and a number) says Liver.
    """
    stem = _NUMBER.sub("", label).strip()
    own = _NUMBER.sub("", stem).lower() in _OWN  # F_1 is Slicer's second list
    return "" if own or not stem or says_negative(label) else stem
