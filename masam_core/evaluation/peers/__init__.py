"""Other ways to segment a box, for comparison in the same evaluation; none is needed otherwise."""

from __future__ import annotations

from collections.abc import Callable

from masam_core.errors import ConfigError
from masam_core.inference.box_segmenter import BoxSegmenter


def _lite_medsam() -> BoxSegmenter:
    from masam_core.evaluation.peers.lite_medsam import LiteMedSAM

    return LiteMedSAM()


def _ellipsoid() -> BoxSegmenter:
    from masam_core.evaluation.peers.ellipsoid import Ellipsoid

    return Ellipsoid()


PEERS: dict[str, Callable[[], BoxSegmenter]] = {
    "litemedsam": _lite_medsam,
    "ellipsoid": _ellipsoid,
}


def load_peer(name: str) -> BoxSegmenter:
    """Load a peer by name.

    Raises:
        ConfigError: an unknown name, or its package is not installed.
    """
    if name not in PEERS:
        raise ConfigError(f"Unknown peer '{name}'; expected one of {', '.join(PEERS)}.")
    return PEERS[name]()
