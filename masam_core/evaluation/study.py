"""A whole evaluation: models, peers, boxes that are off, and what the scores say together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from masam_core.data.cases import Case, Target
from masam_core.errors import ConfigError
from masam_core.evaluation.statistics import Calibration, against_ellipsoid, calibration
from masam_core.inference.box_segmenter import BoxSegmenter
from masam_core.inference.options import SegmentOptions
from masam_core.inference.quality import Quality
from masam_core.inference.segmenter import Segmenter
from masam_core.scoring.evaluate import (
    BoxError3D,
    Score,
    evaluate_automatic,
    evaluate_cases,
)
from masam_core.scoring.paired import Comparison, compare
from masam_core.scoring.summary import Summary, summarise_groups

StudyProgress = Callable[[str, int, int, str], None]


@dataclass(frozen=True)
class JitterResult:
    """Mean Dice with boxes whose sides are off by up to ``jitter`` of their length, and how much
    lower than with tight boxes that is."""

    jitter: float
    n: int
    dice: float
    drop: float
    ellipsoid: float
    worst: float


@dataclass(frozen=True)
class Study:
    """Results: scores and summaries by model, the first being the one under study."""

    scores: dict[str, list[Score]]
    summaries: dict[str, list[Summary]]
    comparisons: list[Comparison]
    calibration: Calibration | None
    jitter: list[JitterResult] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Name of the model under study."""
        return next(iter(self.scores))


def run_study(
    cases: Sequence[Case],
    segmenters: Mapping[str, BoxSegmenter],
    quality: Quality = SegmentOptions.quality,
    target: Target | None = None,
    jitters: Sequence[float] = (),
    repeats: int = 3,
    progress: StudyProgress | None = None,
    automatic: bool = False,
) -> Study:
    """Evaluate every model on the same cases and boxes; the first is the one under study.

    Args:
        cases: with expert labels.
        segmenters: by name; at least one.
        quality: of the inference.
        target: which labels count.
        jitters: for the study of boxes that are off, of the first model alone.
        repeats: boxes a lesion and jitter.
        progress: called with what is being done, number, count and name of each case.
        automatic: segment whole volumes without boxes, every class of the model.

    Raises:
        ConfigError: peers or boxes that are off, together with ``automatic``.
    """
    if automatic and (jitters or not all(isinstance(s, Segmenter) for s in segmenters.values())):
        raise ConfigError("Without boxes there are no boxes that are off, and no peers.")

    def told(title: str) -> Callable[[int, int, str], None]:
        def tell(number: int, count: int, case: str) -> None:
            if progress is not None:
                progress(title, number, count, case)

        return tell

    scores = {
        name: (
            evaluate_automatic(cases, one, quality, told(name), target, surfaces=True)
            if automatic and isinstance(one, Segmenter)
            else evaluate_cases(cases, one, quality, told(name), target, surfaces=True)
        )
        for name, one in segmenters.items()
    }
    name, studied = next(iter(segmenters.items()))
    tight = scores[name]
    base = sum(s.dice for s in tight) / len(tight)
    results = []
    for jitter in jitters:
        off = evaluate_cases(
            cases,
            studied,
            quality,
            told(f"boxes off by up to {jitter:.0%}"),
            target,
            BoxError3D(jitter, repeats),
        )
        mean = sum(s.dice for s in off) / len(off)
        ellipsoid = sum(s.ellipsoid for s in off) / len(off)
        worst = min(s.dice for s in off)
        results.append(JitterResult(jitter, len(off), mean, base - mean, ellipsoid, worst))
    others = [compare(tight, own, (name, other)) for other, own in scores.items() if other != name]
    return Study(
        scores=scores,
        summaries={other: summarise_groups(own) for other, own in scores.items()},
        comparisons=others if automatic else [against_ellipsoid(tight, name), *others],
        calibration=calibration(tight),
        jitter=results,
    )
