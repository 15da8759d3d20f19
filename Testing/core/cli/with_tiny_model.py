"""`masam` in a process of its own, with the tests' tiny model among the backbones."""

from masam_core.__main__ import main
from masam_core.model import config
from masam_core.model.config import BackboneSpec

config.BACKBONES["vit_tiny"] = BackboneSpec("dinov2", 24, 4, 2, 14, position_grid=4)  # type: ignore[index]
main()
