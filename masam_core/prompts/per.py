"""What of a label image gets a box of its own."""

from __future__ import annotations

from masam_core.keywords import Keyword


class Per(Keyword):
    """Each connected component (26 neighbours), or each label value."""

    COMPONENT = "component"
    LABEL = "label"
