"""`masam` in a process of its own, with the tests' tiny model among the backbones."""

from masam_core.__main__ import main
from masam_core.model.backbones import BACKBONES, DINOV2, BackboneSpec

BACKBONES["vit_tiny"] = BackboneSpec(DINOV2, 24, 4, 2, 14, position_grid=4)
main()
