"""Sources of samples: expert lesions, synthetic ones, regions of the images."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from masam_core.training.prepared import PreparedCase
from masam_core.training.regions import region_case
from masam_core.training.synthetic import synthesise

BACKGROUND_FRACTION = 0.25  # of the synthetic lesions and regions, where there are backgrounds


@dataclass(frozen=True)
class Sources:
    """What samples are drawn from, and how often.

    ``cases`` are prepared training lesions, patients equally often; ``backgrounds`` images without
    labels, for synthetic lesions and regions; ``synthetic`` and ``regions`` the shares of samples
    with a synthetic lesion, or with a region of the image, instead of the expert's lesion.
    """

    cases: list[PreparedCase]
    backgrounds: list[PreparedCase] = field(default_factory=list)
    synthetic: float = 0.0
    regions: float = 0.0

    @cached_property
    def by_patient(self) -> list[list[PreparedCase]]:
        """The lesions of each patient."""
        patients: dict[str, list[PreparedCase]] = {}
        for case in sorted(self.cases, key=lambda c: c.case.patient):
            patients.setdefault(case.case.patient, []).append(case)
        return list(patients.values())

    def draw(self, rng: np.random.Generator) -> PreparedCase | None:
        """A case with one lesion; None where a synthetic one fell outside tissue."""
        kind = rng.random()
        own = self.by_patient[rng.integers(len(self.by_patient))]
        chosen = own[rng.integers(len(own))]
        if kind >= self.synthetic + self.regions:
            return chosen
        if self.backgrounds and rng.random() < BACKGROUND_FRACTION:
            chosen = self.backgrounds[rng.integers(len(self.backgrounds))]
        return synthesise(chosen, rng) if kind < self.synthetic else region_case(chosen, rng)
