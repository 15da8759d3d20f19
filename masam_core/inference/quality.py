"""How thoroughly a box is segmented."""

from __future__ import annotations

from masam_core.keywords import Keyword


class Quality(Keyword):
    """How many windows see each slice; see ``stride_of``."""

    FAST = "fast"
    BALANCED = "balanced"
    BEST = "best"
