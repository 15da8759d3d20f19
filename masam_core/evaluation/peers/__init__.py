"""Other people's models, for comparison in the same evaluation; none is needed otherwise."""

from __future__ import annotations

from collections.abc import Callable

from masam_core.errors import ConfigError
from masam_core.scoring.evaluate import Predictor


def _lite_medsam() -> Predictor:
    from masam_core.evaluation.peers.lite_medsam import LiteMedSAM

    return LiteMedSAM()


PEERS: dict[str, Callable[[], Predictor]] = {"litemedsam": _lite_medsam}


def load_peer(name: str) -> Predictor:
    """A peer by name.

    Raises:
        ConfigError: an unknown name, or its package is not installed.
    """
    if name not in PEERS:
        raise ConfigError(f"Unknown peer '{name}'; expected one of {', '.join(PEERS)}.")
    return PEERS[name]()
