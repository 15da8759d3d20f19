"""The model that benchmarks are tried on."""

from __future__ import annotations

from masam_core.model.backbones import BACKBONES
from masam_core.model.masam import MASAM
from Testing.core import tiny


def small_model() -> MASAM:
    """The tests' tiny model, no part at its identity start.

    Sections call it in processes of their own, too, in which its backbone is made known here.
    """
    BACKBONES.setdefault(tiny.NAME, tiny.SPEC)
    return tiny.build_shaken(amount=0.02)
