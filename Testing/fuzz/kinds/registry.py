"""Every kind of injections, in the order of their counts, and the module that holds it."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from Testing.fuzz.injection import Kind

MODULES = {
    "images": ("NIfTI", "NRRD", "MetaImage"),
    "dicom": ("DICOM",),
    "archives": ("archives",),
    "scenes": ("saved scenes",),
    "prompts": ("ROI files", "label images"),
    "settings": ("YAML runs", "model configurations", "batch specifications"),
    "tables": ("batch lists", "case lists", "state files"),
    "weights": ("safetensors", "pth files"),
    "frames": ("frames",),
    "gate": ("HTTP requests",),
    "command_line": ("segment typed", "info typed"),
    "writing": (
        *("full disk", "full disk, pictures", "full disk, scenes", "full disk, logs"),
        "killed while writing",
    ),
    "killing": ("killed batches",),
}
NAMES = tuple(name for names in MODULES.values() for name in names)
# Faults put there on purpose, to try the oracle and the pool themselves.
PLANTED = {"planted": ("planted", "planted hang", "planted crash")}


@cache
def kind(name: str) -> Kind:
    """The kind of a name; loads what of the product it needs, and no more."""
    known = {one: module for module, names in (MODULES | PLANTED).items() for one in names}
    held = import_module(f"Testing.fuzz.kinds.{known[name]}").KINDS
    return next(one for one in held if one.name == name)
