"""Sources of samples: expert lesions, synthetic ones, regions of the images."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from masam_core.training.prepared import PreparedCase
from masam_core.training.regions import region_case
from masam_core.training.synthetic import synthesise

BACKGROUND_FRACTION = 0.25  # of the synthetic lesions and regions, where there are backgrounds


@dataclass(frozen=True)
class Sources:
    """What samples are drawn from, and how often.

    ``cases`` are prepared training lesions, drawn by patient (by their weights); ``backgrounds``
    images without labels, for synthetic lesions and regions; ``synthetic`` and ``regions`` the
    shares of samples with a synthetic lesion, or with a region of the image, instead of the
    expert's lesion. Without prompts, ``foreground`` is the share of windows that are laid on a
    class, each class of the case as often as the others, however small it is; the rest lie
    anywhere.
    """

    cases: list[PreparedCase]
    backgrounds: list[PreparedCase] = field(default_factory=list)
    synthetic: float = 0.0
    regions: float = 0.0
    foreground: float = 0.0

    @cached_property
    def by_patient(self) -> list[list[PreparedCase]]:
        """The lesions of each patient."""
        patients: dict[str, list[PreparedCase]] = {}
        for case in sorted(self.cases, key=lambda c: c.case.patient):
            patients.setdefault(case.case.patient, []).append(case)
        return list(patients.values())

    @cached_property
    def shares(self) -> NDArray[np.float64]:
        """How often each patient of :attr:`by_patient` is drawn; the sum is 1."""
        weights = np.array([np.mean([c.case.weight for c in own]) for own in self.by_patient])
        return weights / weights.sum()

    def _patient(self, rng: np.random.Generator) -> int:
        if np.ptp(self.shares) == 0:
            return int(rng.integers(len(self.by_patient)))
        return int(rng.choice(len(self.by_patient), p=self.shares))

    def draw(self, rng: np.random.Generator) -> PreparedCase | None:
        """A case with one lesion; None where a synthetic one fell outside tissue."""
        kind = rng.random()
        own = self.by_patient[self._patient(rng)]
        chosen = own[rng.integers(len(own))]
        if kind >= self.synthetic + self.regions:
            return chosen
        if self.backgrounds and rng.random() < BACKGROUND_FRACTION:
            chosen = self.backgrounds[rng.integers(len(self.backgrounds))]
        return synthesise(chosen, rng) if kind < self.synthetic else region_case(chosen, rng)
