"""Names as words for people."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from masam_core.image.readable import readable


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Schädel 肿瘤 [left]", "Schädel 肿瘤 [left]"),
        (os.fsdecode(b"Sch\xe4del"), "Schädel"),
        (os.fsdecode(b"\x81"), "\N{REPLACEMENT CHARACTER}"),
        ("a\nb\tc\u2028d", "a b c d"),
        ("\x1b[2J\x00", "\N{REPLACEMENT CHARACTER}[2J\N{REPLACEMENT CHARACTER}"),
        ("gnp\u202eexe", "gnp\N{REPLACEMENT CHARACTER}exe"),
        ("\u0645\u06cc\u200c\u0634\u0648\u062f", "\u0645\u06cc\u200c\u0634\u0648\u062f"),
        ("\ud800", "\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_a_name_is_shown_as_it_was_meant(name: str, shown: str) -> None:
    assert readable(name) == shown


@given(st.text(st.characters(codec=None)))
def test_what_is_shown_can_be_written_and_is_one_line(name: str) -> None:
    shown = readable(name)
    shown.encode("utf-8")
    assert len(shown.splitlines()) <= 1
    assert readable(shown) == shown
