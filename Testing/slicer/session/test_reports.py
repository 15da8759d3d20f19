"""What a report says of its lesions."""

from __future__ import annotations

import doctest
from typing import Any


def test_the_examples_hold(harness: Any) -> None:
    from MASAMSlicerLib.session import reports

    found = doctest.testmod(reports)
    assert (found.failed, found.attempted > 0) == (0, True)
