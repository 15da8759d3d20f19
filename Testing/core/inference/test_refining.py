"""Corrections keep what they promise, whatever the corrector answers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import ndimage

from masam_core.errors import BoxError, Cancelled
from masam_core.image.geometry import Geometry
from masam_core.image.volume import Volume
from masam_core.inference.answers import answer
from masam_core.inference.canonical_crop import canonical_voxels
from masam_core.inference.correcting import Values
from masam_core.inference.engine import Run
from masam_core.inference.messages import NOTHING
from masam_core.inference.options import SegmentOptions
from masam_core.inference.patch import patch_for
from masam_core.inference.refining import Tools, refined
from masam_core.lesion.cleaning_options import PostprocessOptions
from masam_core.lesion.cut import Cut, cut_words
from masam_core.lesion.lesion import Lesion
from masam_core.lesion.painted import Painted
from masam_core.prompts.boxes import BoxPrompt
from masam_core.prompts.corrections import Correction, correction_voxels
from masam_core.prompts.first import PointPrompt
from masam_core.prompts.record import PromptRecord

from .fake_engine import FakeEngine, ellipsoid, image_of, sure_of

SHAPE = (26, 90, 96)  # larger than a patch of a small lesion along every axis
LESION = ellipsoid(SHAPE, (12, 44, 47), (4, 7, 8))


class FakeCorrector:
    """Answers with the same logits everywhere, with noise, with NaN, or with the mask it got."""

    def __init__(self, answer: str, seed: int = 0) -> None:
        self.answer, self.calls = answer, 0
        self.rng = np.random.default_rng(seed)
        self.seen: list[tuple[Values, ...]] = []

    def __call__(self, *inputs: Values) -> Values:
        self.calls += 1
        self.seen.append(inputs)
        image, probability = inputs[:2]
        fixed = {"all": 9.0, "nothing": -9.0, "nan": float("nan")}
        if self.answer in fixed:
            return np.full_like(image, fixed[self.answer])
        if self.answer == "same":
            return logit(probability)
        return self.rng.normal(0, 6, image.shape).astype(np.float32)


def logit(probability: Values) -> Values:
    certain = probability.clip(1e-4, 1 - 1e-4)
    return np.log(certain / (1 - certain))


def tools(corrector: FakeCorrector) -> Tools:
    return Tools(corrector, lambda patch: patch)


def turned(flips: tuple[bool, bool, bool], order: tuple[int, int, int]) -> Geometry:
    """A grid whose axes are permuted and reversed in space."""
    matrix = np.zeros((4, 4))
    for axis, (place, flipped) in enumerate(zip(order, flips, strict=True)):
        matrix[place, axis] = (-1 if flipped else 1) * (1.0, 1.0, 2.0)[axis]
    matrix[3, 3] = 1
    return Geometry(SHAPE, matrix)


@pytest.fixture(scope="module")
def volume() -> Volume:
    return image_of(LESION, (1.0, 1.0, 2.0))


def lesion_on(volume: Volume) -> Lesion:
    box = BoxPrompt.from_voxels(39, 55, 37, 51, 8, 16, name="node")
    made = Lesion.from_mask(LESION, volume, box, confidence=0.8, prompts=PromptRecord(box))
    crop = LESION[made.slices_kji()]
    return replace(made, probability=np.where(crop, 0.9, 0.1).astype(np.float32))


coordinates = st.tuples(st.integers(30, 64), st.integers(28, 60), st.integers(5, 19))


@st.composite
def corrections_ijk(draw: st.DrawFn) -> tuple[str, list[tuple[int, int, int]], bool]:
    kind = draw(st.sampled_from(["point", "scribble", "lasso"]))
    count = {"point": 1, "scribble": 3, "lasso": 4}[kind]
    return kind, [draw(coordinates) for _ in range(count)], draw(st.booleans())


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    said=st.lists(corrections_ijk(), min_size=1, max_size=3),
    answer=st.sampled_from(["all", "nothing", "nan", "same", "noise"]),
    grid=st.tuples(st.tuples(*[st.booleans()] * 3), st.permutations([0, 1, 2])),
    keep=st.sampled_from(["centre", "largest", "all"]),
    by_hand=st.lists(st.tuples(coordinates, st.sampled_from([-1, 1])), max_size=3),
    known=st.booleans(),
)
def test_the_user_is_obeyed_and_nothing_far_away_changes(
    volume: Volume, said: list, answer: str, grid: tuple, keep: str, by_hand: list, known: bool
) -> None:
    geometry = turned(grid[0], tuple(grid[1]))
    image = replace(volume, geometry=geometry)
    before = lesion_on(image)
    if not known:
        before = replace(before, probability=None)
    kept = before.mask.copy()
    corrections = [Correction(kind, geometry.lps_from_ijk(p), yes) for kind, p, yes in said]
    painted = np.zeros(SHAPE, dtype=np.int8)
    for (i, j, k), value in by_hand:
        painted[k, j, i] = value
    corrector = FakeCorrector(answer)
    options = SegmentOptions(postprocess=PostprocessOptions(keep=keep))
    engine = FakeEngine(image, sure_of(LESION))

    after = refined(
        engine, before, corrections, Run(options), tools(corrector), Painted(painted, (0, 0, 0))
    )

    mask = after.mask_on_volume()
    wanted = painted.copy()  # the corrections come after it
    frame = geometry.canonical_frame()
    allowed = np.zeros(SHAPE, dtype=bool)
    for correction in corrections:
        i, j, k = (voxels := correction_voxels(correction, geometry)).T
        wanted[k, j, i] = 1 if correction.positive else -1
        if not len(voxels):
            continue  # it lies beside the volume
        # No larger patch is possible than that of the largest lesion, which is the whole volume.
        ends = np.array([[0, 0, 0], np.array(frame.shape) - 1])
        places = canonical_voxels(voxels, frame)
        # A long prompt has several patches, of which each is centred within the prompt's extent.
        corners = (places.min(axis=0), places.max(axis=0))
        first, last = (
            np.argwhere(within(patch_for([c], ends, frame.spacing, frame.shape), frame.shape))
            for c in corners
        )
        hull = np.zeros(frame.shape, dtype=bool)
        low, high = first.min(axis=0), last.max(axis=0) + 1
        hull[low[0] : high[0], low[1] : high[1], low[2] : high[2]] = True
        allowed |= frame.from_canonical(hull)
    assert mask[wanted == 1].all()
    assert not mask[wanted == -1].any()
    changed = mask != before.mask_on_volume()
    assert not (changed & ~allowed & (wanted == 0)).any()
    long = any(correction.kind != "point" for correction in corrections)
    assert corrector.calls == len(corrections) or (long and corrector.calls > len(corrections))
    assert np.array_equal(before.mask, kept)
    assert before.prompts.corrections == ()
    assert after.prompts.corrections == tuple(corrections)
    assert np.isfinite(after.probability).all()
    assert after.measurements.voxels == mask.sum()


def within(patch: object, shape: tuple[int, int, int]) -> np.ndarray:
    """Voxels between a patch's first and last samples."""
    inside = [
        (np.arange(n) >= patch.positions(axis)[0] - 1e-6)
        & (np.arange(n) <= patch.positions(axis)[-1] + 1e-6)
        for axis, n in enumerate(shape)
    ]
    return inside[0][:, None, None] & inside[1][None, :, None] & inside[2][None, None, :]


def point(volume: Volume, i: int, j: int, k: int, positive: bool = True) -> Correction:
    return Correction("point", volume.geometry.lps_from_ijk([[i, j, k]]), positive)


def refine(volume: Volume, lesion: Lesion, *corrections: Correction, answer: str = "same", **more):
    engine = FakeEngine(volume, sure_of(LESION))
    corrector = more.pop("corrector", None) or FakeCorrector(answer)
    run = Run(more.pop("options", SegmentOptions()))
    return refined(engine, lesion, corrections, run, tools(corrector), **more)


def test_a_small_lesions_patch_is_small(volume: Volume) -> None:
    """A correction far from the lesion's other end leaves that end alone."""
    before = lesion_on(volume)
    after = refine(volume, before, point(volume, 47, 44, 3), answer="all")
    changed = np.argwhere(after.mask_on_volume() != before.mask_on_volume())
    assert changed[:, 0].max() <= 3 + 8
    assert changed[:, 2].min() >= 47 - 16
    assert changed[:, 2].max() <= 47 + 16


def test_inside_the_box_a_positive_click_fills_nothing_outside_it(volume: Volume) -> None:
    after = refine(volume, lesion_on(volume), point(volume, 54, 38, 9), answer="all")
    k, j, i = np.nonzero(after.mask_on_volume())
    assert (i.min(), i.max(), j.min(), j.max(), k.min(), k.max()) == (39, 55, 37, 51, 8, 16)


def test_a_click_outside_the_box_lets_the_lesion_grow_there(volume: Volume) -> None:
    after = refine(volume, lesion_on(volume), point(volume, 58, 44, 12), answer="all")
    assert after.mask_on_volume()[12, 44, 56:62].all()


def test_a_far_piece_that_the_user_pointed_at_is_kept_and_others_are_not(volume: Volume) -> None:
    corrector = FakeCorrector("same")
    lesion = lesion_on(volume)
    after = refine(volume, lesion, point(volume, 53, 39, 8), corrector=corrector)
    assert after.mask_on_volume()[8, 39, 53]  # alone in its corner
    # Cut in two by hand: the piece without the middle goes, unless something was said of it.
    erased = np.zeros(SHAPE, dtype=np.int8)
    erased[:, :, 52] = -1
    painted = Painted(erased, (0, 0, 0))
    inside = point(volume, 47, 44, 12)
    assert not refine(volume, lesion, inside, painted=painted).mask_on_volume()[12, 44, 54]
    there = point(volume, 54, 44, 12)
    assert refine(volume, lesion, there, painted=painted).mask_on_volume()[12, 44, 54]


def test_the_corrector_is_told_all_prompts_and_the_mask_so_far(volume: Volume) -> None:
    corrector = FakeCorrector("same")
    first, second = point(volume, 47, 44, 12), point(volume, 51, 44, 12, positive=False)
    refine(volume, lesion_on(volume), first, second, corrector=corrector)
    image, probability, positive, negative, apart = corrector.seen[1]
    assert image.shape == (1, 16, 64, 64)
    assert positive.any()
    assert negative.any()
    assert float(probability[positive].min()) > 0.9  # the first prompt was obeyed meanwhile
    assert float(apart[0]) == pytest.approx(2.0 / 0.5)  # 2 mm over half a voxel of 1 mm


def test_going_back_and_on_gives_the_same_as_all_at_once(volume: Volume) -> None:
    """Undo is going back to the lesion before; a record can be gone on with."""
    one, two = point(volume, 56, 44, 12), point(volume, 42, 44, 12, positive=False)
    lesion = lesion_on(volume)
    step = refine(volume, refine(volume, lesion, one, answer="nothing"), two, answer="nothing")
    at_once = refine(volume, lesion, one, two, answer="nothing")
    assert np.array_equal(step.mask_on_volume()[12, 44], at_once.mask_on_volume()[12, 44])
    assert step.prompts.corrections == at_once.prompts.corrections == (one, two)


def test_an_earlier_word_holds_until_it_is_taken_back(volume: Volume) -> None:
    lesion = refine(volume, lesion_on(volume), point(volume, 56, 44, 12))
    kept = refine(volume, lesion, point(volume, 47, 50, 12), answer="nothing")
    assert kept.mask_on_volume()[12, 44, 56]
    taken = refine(volume, kept, point(volume, 56, 44, 12, positive=False))
    assert not taken.mask_on_volume()[12, 44, 56]


def test_messages_and_cuts_are_those_of_the_new_mask(volume: Volume) -> None:
    cut = Cut("left", 40.0, 0.9)
    empty = replace(
        lesion_on(volume),
        mask=np.zeros_like(lesion_on(volume).mask),
        probability=None,
        messages=(NOTHING, "About the image.", cut_words([cut])),
        cuts=(cut,),
    )
    found = refine(volume, empty, point(volume, 57, 44, 12))  # left of the box
    assert NOTHING not in found.messages
    assert "About the image." in found.messages
    assert found.cuts == ()
    still = refine(volume, empty, point(volume, 47, 44, 12))
    assert still.cuts == (cut,)
    assert cut_words([cut]) in still.messages


def test_a_prompt_outside_the_volume_and_a_stop_change_nothing(volume: Volume) -> None:
    with pytest.raises(BoxError, match="outside the volume"):
        refine(volume, lesion_on(volume), point(volume, 500, 44, 12))
    run = Run(SegmentOptions(), None, lambda: True)
    with pytest.raises(Cancelled):
        refined(
            FakeEngine(volume, sure_of(LESION)),
            lesion_on(volume),
            [point(volume, 47, 44, 12)],
            run,
            tools(FakeCorrector("same")),
        )


def test_a_model_that_knows_boxes_alone_says_so(volume: Volume) -> None:
    """MA-SAM of its authors was trained with boxes, or with none."""
    engine = FakeEngine(volume, sure_of(LESION), shape_prior="none", name="MA-SAM")
    after = refined(
        engine,
        lesion_on(volume),
        [point(volume, 47, 44, 12)],
        Run(SegmentOptions()),
        tools(FakeCorrector("same")),
    )
    assert any("'MA-SAM' was trained with boxes alone" in message for message in after.messages)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_voxel_without_a_value_changes_no_other(volume: Volume, value: float) -> None:
    class Spreads(FakeCorrector):
        """Says "same", but has no answer where the image has no value, as convolutions do."""

        def __call__(self, *inputs: Values) -> Values:
            broken = not np.isfinite(inputs[0].sum())
            return np.full_like(inputs[1], np.nan) if broken else super().__call__(*inputs)

    values = volume.array.copy()
    values[12, 47, 50] = value
    broken = replace(volume, array=values)
    corrector = Spreads("same")
    click = point(volume, 56, 44, 12)
    after = refine(broken, lesion_on(volume), click, corrector=corrector)
    shown = corrector.seen[0][0]
    assert np.isfinite(shown).all()
    assert float(shown.min()) >= np.nanmin(volume.array)
    assert float(shown.max()) <= np.nanmax(volume.array)
    expected = refine(volume, lesion_on(volume), click)
    assert np.array_equal(after.mask_on_volume(), expected.mask_on_volume())


def test_where_the_network_has_no_answer_the_mask_stays(volume: Volume) -> None:
    before = lesion_on(volume)
    after = refine(volume, before, point(volume, 47, 44, 12), answer="nan")  # within the mask
    assert np.array_equal(after.mask_on_volume(), before.mask_on_volume())


class Carves(FakeCorrector):
    """Takes a ball of samples around what the user denies out of the mask, as the network does."""

    def __call__(self, *inputs: Values) -> Values:
        _, probability, _, negative, _ = inputs
        near = ndimage.maximum_filter(negative[0], (3, 9, 9))[None]
        return np.where(near, np.float32(-9), logit(probability))


@pytest.mark.parametrize("smooth_mm", [0.0, 2.0])
def test_a_hole_that_a_negative_click_opened_stays_open(volume: Volume, smooth_mm: float) -> None:
    options = SegmentOptions(postprocess=PostprocessOptions(smooth_mm=smooth_mm))
    click = point(volume, 47, 44, 12, positive=False)
    lesion = lesion_on(volume)
    after = refine(volume, lesion, click, corrector=Carves("same"), options=options)
    assert not after.mask_on_volume()[12, 44, 46:49].any()
    assert not after.mask_on_volume()[12, 43:46, 47].any()


def test_a_hole_that_a_click_closes_off_is_filled(volume: Volume) -> None:
    lesion = lesion_on(volume)
    mask = lesion.mask_on_volume()
    mask[12, 44, 48:56] = False  # a tunnel
    open_ = Lesion.from_mask(mask, volume, lesion.box, prompts=lesion.prompts)
    after = refine(volume, open_, point(volume, 54, 44, 12)).mask_on_volume()  # in its mouth
    assert after[12, 44, 48:55].all()


def test_a_hole_that_was_erased_by_hand_stays_open_in_later_rounds(volume: Volume) -> None:
    lesion = lesion_on(volume)
    mask = lesion.mask_on_volume()
    mask[12, 43:46, 44:47] = False
    erased = Lesion.from_mask(mask, volume, lesion.box, prompts=lesion.prompts)
    after = refine(volume, erased, point(volume, 51, 44, 12)).mask_on_volume()
    assert not after[12, 43:46, 44:47].any()


def test_a_far_click_that_is_taken_back_leaves_no_large_crop(volume: Volume) -> None:
    before = lesion_on(volume)
    far = refine(volume, before, point(volume, 80, 80, 24))
    assert far.mask_on_volume()[24, 80, 80]
    back = refine(volume, far, point(volume, 80, 80, 24, positive=False))
    assert np.array_equal(back.mask_on_volume(), before.mask_on_volume())
    assert back.mask.size <= 1.1 * before.mask.size
    k, j, i = before.slices_kji()
    assert back.slices_kji()[0].stop <= k.stop
    assert back.slices_kji()[1].stop <= j.stop
    assert back.slices_kji()[2].stop <= i.stop


def test_a_lesion_that_was_erased_can_be_gone_on_with(volume: Volume) -> None:
    erased = Painted(-np.ones(SHAPE, dtype=np.int8), (0, 0, 0))
    gone = refine(volume, lesion_on(volume), painted=erased)
    assert gone.mask.sum() == 0
    again = refine(volume, gone, point(volume, 47, 44, 12))
    assert again.mask_on_volume()[12, 44, 47]


def on_slice_12(volume: Volume, kind: str, corners: list[tuple[int, int]], positive: bool = True):
    places = [(i, j, 12) for i, j in corners]
    return Correction(kind, volume.geometry.lps_from_ijk(places), positive)


def test_what_was_erased_from_an_earlier_lasso_stays_erased(volume: Volume) -> None:
    """In the next rounds, too, in which nothing is told of what was painted before."""
    around = on_slice_12(volume, "lasso", [(42, 40), (52, 40), (52, 48), (42, 48)])
    lesion = refine(volume, lesion_on(volume), around)
    mask = lesion.mask_on_volume()
    mask[12, 41:44, 49:53] = False
    erased = Lesion.from_mask(mask, volume, lesion.box, prompts=lesion.prompts)
    corrector = FakeCorrector("same")
    after = refine(volume, erased, point(volume, 40, 44, 12), corrector=corrector)
    assert not after.mask_on_volume()[12, 41:44, 49:53].any()
    assert after.mask_on_volume()[12, 40:48, 43:48].all()
    _, before, told, _, _ = corrector.seen[0]
    assert int(told.sum()) > 40  # what still agrees is told
    assert float(before[told].min()) > 0.1


def test_what_was_painted_over_an_earlier_negative_scribble_stays(volume: Volume) -> None:
    line = on_slice_12(volume, "scribble", [(42, 44), (52, 44)], positive=False)
    lesion = refine(volume, lesion_on(volume), line)
    mask = lesion.mask_on_volume()
    mask[12, 44, 45:48] = True
    painted = Lesion.from_mask(mask, volume, lesion.box, prompts=lesion.prompts)
    after = refine(volume, painted, point(volume, 40, 46, 12)).mask_on_volume()
    assert after[12, 44, 45:48].all()
    assert not after[12, 44, 49:52].any()


def test_a_click_after_the_eraser_counts(volume: Volume) -> None:
    values = np.zeros(SHAPE, dtype=np.int8)
    values[12, 42:47, 45:50] = -1
    painted = Painted(values, (0, 0, 0))
    after = refine(volume, lesion_on(volume), point(volume, 47, 44, 12), painted=painted)
    mask = after.mask_on_volume()
    assert mask[12, 44, 47]
    assert mask[12, 42:47, 45:50].sum() == 1


def test_a_scribble_through_all_slices_is_answered_on_all_of_them(volume: Volume) -> None:
    corrector = FakeCorrector("all")
    ends = [(47, 44, 1), (47, 44, 24)]
    line = Correction("scribble", volume.geometry.lps_from_ijk(ends), True)
    after = refine(volume, lesion_on(volume), line, corrector=corrector).mask_on_volume()
    assert (after[1:25].sum(axis=(1, 2)) > 50).all()  # not the line's one voxel
    assert corrector.calls == 3  # of 24 slices 2/3 of 16 each


def test_the_first_click_stays_in_the_mask_when_it_is_corrected(volume: Volume) -> None:
    place = (58, 44, 12)  # beside the mask, on the patch of the correction
    first = PointPrompt(volume.geometry.lps_from_ijk([place])[0])
    mask = lesion_on(volume).mask_on_volume()
    mask[place[::-1]] = True
    lesion = Lesion.from_mask(mask, volume, lesion_on(volume).box, prompts=PromptRecord(first))
    later = Correction("point", volume.geometry.lps_from_ijk([(47, 44, 12)]), True)
    engine = FakeEngine(volume, sure_of(LESION))
    run, other = Run(SegmentOptions()), tools(FakeCorrector("nothing"))
    assert refined(engine, lesion, [later], run, other).mask_on_volume()[place[::-1]]
    # A later word counts.
    no = Correction("point", volume.geometry.lps_from_ijk([place]), False)
    assert not refined(engine, lesion, [no], run, other).mask_on_volume()[place[::-1]]


def test_what_was_said_of_the_first_masks_depth_goes(volume: Volume) -> None:
    """Of a click that found nothing, and of one that found the lesion."""
    empty = np.zeros_like(LESION)
    for says in (empty, LESION):
        engine = FakeEngine(volume, sure_of(says))
        click = PointPrompt(volume.geometry.lps_from_ijk([[47, 44, 12]])[0], "node")
        first = answer(engine, click, Run(SegmentOptions()))
        looked = [each for each in first.messages if each.startswith("Looked ")]
        assert len(looked) == 1
        assert ";" in looked[0]
        after = refine(volume, first, point(volume, 47, 44, 12))
        assert looked[0] not in after.messages
        assert looked[0].split(";")[0] + "." in after.messages
        again = refine(volume, after, point(volume, 47, 45, 12))  # stays so
        assert looked[0].split(";")[0] + "." in again.messages


def test_a_mask_that_was_emptied_says_that_it_is(volume: Volume) -> None:
    erased = Painted(-np.ones(SHAPE, dtype=np.int8), (0, 0, 0))
    gone = refine(volume, lesion_on(volume), painted=erased)
    assert NOTHING in gone.messages
    assert NOTHING not in refine(volume, gone, point(volume, 47, 44, 12)).messages
