"""What is told of how sure a mask without prompts is."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from masam_core.image.volume import Volume
from masam_core.inference.automatic import segment_classes
from masam_core.inference.judging import judged
from masam_core.inference.segmenter import Segmenter
from masam_core.model.evidence import ClassEvidence, Evidence
from masam_core.model.masam import MASAM

GOOD = ClassEvidence(patients=9, excess=0.05, highest=0.98, volumes_ml=(40.0, 90.0))


def test_a_checked_confidence_is_shown_and_a_low_one_told() -> None:
    assert judged(0.95, 60.0, GOOD) == (pytest.approx(0.9), ())
    sure, (note,) = judged(0.8, 60.0, GOOD)
    assert sure == pytest.approx(0.75)
    assert note == "Low confidence (75%): check this mask closely."


@pytest.mark.parametrize(
    ("evidence", "words"),
    [
        (None, "never checked on patients that it had not learned from"),
        (ClassEvidence(volumes_ml=(40.0, 90.0)), "never checked"),
        (ClassEvidence(1, 0.0, 1.0), "checked on one patient that it had not"),
        (ClassEvidence(4, 0.0, 1.0), "checked on 4 patients"),
    ],
)
def test_what_was_not_checked_is_not_known_however_sure_the_model_is(
    evidence: ClassEvidence | None, words: str
) -> None:
    sure, (note,) = judged(0.99, 60.0, evidence)
    assert math.isnan(sure)
    assert words in note
    assert note.startswith("The confidence is not known")
    assert note.endswith("Check this mask closely.")


@pytest.mark.parametrize(("volume", "word"), [(19.9, "smaller"), (180.1, "larger")])
def test_a_size_unlike_all_that_was_learned_from_is_told(volume: float, word: str) -> None:
    sure, (note,) = judged(0.99, volume, GOOD)
    assert math.isnan(sure)
    assert f"far {word} than any that the model learned from (40 to 90 ml)" in note
    (_, (one,)) = judged(0.99, volume, ClassEvidence(volumes_ml=(60.0, 60.0)))
    assert ("learned from (60 ml)" in one) == (volume < 30 or volume > 120)
    for within in (20.0, 180.0):
        assert judged(0.99, within, GOOD)[0] == pytest.approx(0.94)


def test_the_models_own_word_is_not_shown_where_nobody_checked_it(
    build_model: Callable[..., MASAM], volume: Volume
) -> None:
    model = build_model(field_of_view="slice", shape_prior="none", num_classes=2)
    segmenter = Segmenter(model, device="cpu")
    segmenter.set_volume(volume)
    said = [x for x in segment_classes(segmenter, "fast", as_said=True) if x.mask.any()]
    shown = [x for x in segment_classes(segmenter, "fast") if x.mask.any()]
    assert shown
    assert all(0 < lesion.confidence <= 1 for lesion in said)
    assert all(lesion.known_confidence is None for lesion in shown)
    assert all("never checked" in " ".join(lesion.messages) for lesion in shown)

    checked = ClassEvidence(9, 0.1, 1.0, (0.001, 1000.0))
    model = build_model(field_of_view="slice", shape_prior="none", num_classes=2)
    model.evidence = Evidence((checked, checked))
    segmenter = Segmenter(model, device="cpu")
    segmenter.set_volume(volume)
    now = [x for x in segment_classes(segmenter, "fast") if x.mask.any()]
    assert [x.confidence for x in now] == pytest.approx([x.confidence - 0.1 for x in said])
    assert all("Low confidence" in x.messages[0] for x in now)
