"""What happens where a box cuts a lesion off."""

from __future__ import annotations

from masam_core.keywords import Keyword


class Extend(Keyword):
    """Whether a box is extended at sides that cut: never (the user is told), or by itself."""

    NEVER = "never"
    AUTO = "auto"
