"""The data sets that ``masam prepare`` knows.

A new one is a file beside this one with a :class:`~masam_core.data.prepare.dataset.Dataset`, and a
line here.
"""

from __future__ import annotations

from masam_core.data.prepare import amos22, btcv, endovis18, msd_pancreas, prostate
from masam_core.data.prepare.dataset import Dataset
from masam_core.errors import ConfigError

DATASETS: tuple[Dataset, ...] = (
    btcv.DATASET,
    prostate.DATASET,
    endovis18.DATASET,
    msd_pancreas.DATASET,
    amos22.DATASET,
)


def dataset(name: str) -> Dataset:
    """The data set of a name; ConfigError names those that are known."""
    for known in DATASETS:
        if known.name == name:
            return known
    names = ", ".join(known.name for known in DATASETS)
    raise ConfigError(f"Unknown data set '{name}'; expected one of {names}.")
