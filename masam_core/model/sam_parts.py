"""The modules of the package segment-anything that MA-SAM is made of.

Its front door also imports torchvision, for a mask generator that is not needed here; that takes
longer than loading the bundled model. So its sub-package ``modeling``, which needs nothing but
torch, is loaded by itself, unless the whole package is there already. If that is imported later,
its classes are others than these, of the same code.
"""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType

NAME = "segment_anything"
_ALONE = "masam_core.model._segment_anything"


def _modeling() -> ModuleType:
    if f"{NAME}.modeling" in sys.modules:
        return sys.modules[f"{NAME}.modeling"]
    package = importlib.util.find_spec(NAME)  # finds, and does not import
    if package is None or not package.submodule_search_locations:
        raise ModuleNotFoundError(f"No module named '{NAME}'", name=NAME)
    folder = f"{package.submodule_search_locations[0]}/modeling"
    spec = importlib.util.spec_from_file_location(
        _ALONE, f"{folder}/__init__.py", submodule_search_locations=[folder]
    )
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f"No module named '{NAME}.modeling'", name=f"{NAME}.modeling")
    module = importlib.util.module_from_spec(spec)
    sys.modules[_ALONE] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[_ALONE]
        raise
    return module


_package = _modeling()
_encoder = sys.modules[f"{_package.__name__}.image_encoder"]
_common = sys.modules[f"{_package.__name__}.common"]
_decoder = sys.modules[f"{_package.__name__}.mask_decoder"]

ImageEncoderViT = _package.ImageEncoderViT
PromptEncoder = _package.PromptEncoder
TwoWayTransformer = _package.TwoWayTransformer
LayerNorm2d = _common.LayerNorm2d
MLP = _decoder.MLP
Block = _encoder.Block
add_decomposed_rel_pos = _encoder.add_decomposed_rel_pos
window_partition = _encoder.window_partition
window_unpartition = _encoder.window_unpartition
