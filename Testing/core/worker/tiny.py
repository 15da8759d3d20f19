"""The real server with the tests' tiny model among the backbones. Run as a process."""

from masam_core.model.backbones import BACKBONES, DINOV2, BackboneSpec
from masam_core.worker.server import serve

# As in Testing.core.tiny, which such a process may not find.
BACKBONES["vit_tiny"] = BackboneSpec(DINOV2, 24, 4, 2, 14, position_grid=4)

if __name__ == "__main__":
    serve()
