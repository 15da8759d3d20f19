"""Words of an error: whatever a file of others holds, they move nothing on a screen."""

from __future__ import annotations

import pytest

from masam_core import errors
from masam_core.errors import MasamError, WriteError, plain

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type)]


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("\x1b[2Jred", "\\x1b[2Jred"),
        ("a\nb\tc", "a\nb\tc"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("Sch\u00e4del \u65e5\u672c \U0001f600", "Sch\u00e4del \u65e5\u672c \U0001f600"),
        ("half \udce4", "half \\udce4"),
        ("\x85\u2028", "\\x85\\u2028"),
    ],
)
def test_every_kind_of_error_writes_out_what_controls_a_terminal(given: str, shown: str) -> None:
    assert plain(given) == plain(shown) == shown
    for kind in KINDS:
        if issubclass(kind, MasamError):
            assert str(kind(given)) == shown


def test_an_error_of_writing_is_still_one_of_the_system() -> None:
    with pytest.raises(OSError, match=r"\\x07 was not written"):
        raise WriteError("\x07 was not written")
