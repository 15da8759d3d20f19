"""Notes on several structures are said once."""

from __future__ import annotations

from masam_core.lesion.telling import shared_notes


def test_what_is_said_of_several_is_said_once() -> None:
    one = ("liver", ("Check.", "Check."))
    assert shared_notes([one]) == ["liver: Check."]
    assert shared_notes([one, ("spleen", ("Large.", "Check."))]) == ["Check.", "spleen: Large."]
    assert shared_notes([one, ("spleen", ()), ("aorta", ("Check.",))]) == ["liver, aorta: Check."]
    assert shared_notes([]) == []
    # Two of one name are two.
    assert shared_notes([("Lesion", ("Check.",)), ("Lesion", ())]) == ["Lesion: Check."]
