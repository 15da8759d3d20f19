"""Other ways to segment a box, for comparison in the same evaluation; none is needed otherwise.

A new peer is a file beside this one, with a class that can be called without arguments and has the
methods of :class:`masam_core.inference.box_segmenter.BoxSegmenter`, and a line in ``PEERS``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from masam_core.errors import ConfigError

if TYPE_CHECKING:
    from masam_core.inference.box_segmenter import BoxSegmenter

# Name on the command line: module and class. A module is loaded when its peer is asked for.
PEERS = {
    "litemedsam": "masam_core.evaluation.peers.lite_medsam:LiteMedSAM",
    "ellipsoid": "masam_core.evaluation.peers.ellipsoid:Ellipsoid",
}


def load_peer(name: str) -> BoxSegmenter:
    """Load a peer by name.

    Raises:
        ConfigError: an unknown name, or its package is not installed.
    """
    if name not in PEERS:
        raise ConfigError(f"Unknown peer '{name}'; expected one of {', '.join(PEERS)}.")
    module, _, kind = PEERS[name].partition(":")
    peer: BoxSegmenter = getattr(import_module(module), kind)()
    return peer
