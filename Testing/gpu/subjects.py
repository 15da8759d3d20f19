"""What the sections share: the models, and the lesions that they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from masam_core.bench.inputs import lesion_volume, random_model
from masam_core.bench.rows import Setup
from masam_core.catalog.bundled import bundled_model_path, sample_data_dir
from masam_core.errors import CheckpointError, VolumeError
from masam_core.image.volume import Volume, read_labels, read_volume
from masam_core.inference.device import choose_precision
from masam_core.model.checkpoint import load_model
from masam_core.model.config import ModelConfig
from masam_core.model.masam import MASAM
from masam_core.prompts.boxes import BoxPrompt
from masam_core.prompts.roi import read_roi

# The bundled model's, for a checkout that comes without its files.
BUNDLED = ModelConfig(
    name="MASAM ViT-S/14 tumour",
    backbone="vit_s14",
    image_size=168,
    adapter_width=96,
    pixel_mean=(0.485, 0.456, 0.406),
    pixel_std=(0.229, 0.224, 0.225),
    field_of_view="prompt",
    shape_prior="ellipsoid",
    channels="local",
    detail_width=12,
    confidence="predicted",
)


@dataclass(frozen=True)
class Subject:
    """A model to look at, made anew by ``build``, always with the same weights."""

    name: str
    build: Callable[[], MASAM]


@dataclass(frozen=True)
class Asked:
    """A lesion to segment; ``expert`` is its mask (KJI) where one is known."""

    name: str
    volume: Volume
    box: BoxPrompt
    expert: NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class Run:
    """Where a section runs, and whether only to see that it works."""

    device: torch.device
    small: bool = False

    @property
    def on_cuda(self) -> bool:
        """Whether there is a GPU."""
        return self.device.type == "cuda"

    @property
    def repeats(self) -> int:
        """Timed runs of what is quick."""
        return 1 if self.small else 20

    @property
    def slices(self) -> int:
        """Slices of the lesion that is timed."""
        return 5 if self.small else 20

    def setup(self, subject: Subject) -> Setup:
        """What ``masam bench`` calls it."""
        return Setup(
            build=subject.build,
            device=self.device,
            precision=str(choose_precision("auto", self.device)).removeprefix("torch."),
            slices=self.slices,
            repeats=1 if self.small else 5,
            tell=lambda _: None,
        )

    def bundled(self) -> Subject:
        """The bundled model; where its files are missing its architecture, with random weights."""
        if self.small:
            return Subject("vit_s14 at 56, random weights", partial(random_model, "vit_s14", 56))
        try:
            path = bundled_model_path()
        except CheckpointError:
            return Subject("bundled architecture, random weights", random_bundled)
        return Subject("bundled", partial(load_model, path))

    def vit_b(self) -> Subject:
        """ViT-B as in the paper."""
        if self.small:
            return self.bundled()
        return Subject("vit_b at 512, random weights", partial(random_model, "vit_b", 512))

    def subjects(self) -> list[Subject]:
        """Both, or the small one once."""
        return [self.bundled()] if self.small else [self.bundled(), self.vit_b()]


def random_bundled() -> MASAM:
    """The bundled architecture, no part left at its identity start."""
    torch.manual_seed(0)
    model = MASAM(BUNDLED)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
    return model.eval()


def lesions(run: Run) -> Iterator[Asked]:
    """Ellipsoids of some lengths, and the sample volumes where they are there."""
    for slices in (2,) if run.small else (3, 20, 60):
        volume, box = lesion_volume(2 * slices, slices)
        yield Asked(f"ellipsoid of {slices} slices", volume, box)
    if run.small:
        return
    try:
        folders = sorted(p for p in sample_data_dir().iterdir() if p.is_dir())
    except VolumeError:
        return
    for folder in folders:
        volume = read_volume(folder / "image.nii.gz")
        (box,) = read_roi(folder / "box.mrk.json", volume.geometry)
        expert = read_labels(folder / "expert.nii.gz")[0] > 0
        yield Asked(f"sample {folder.name}", volume, box, expert)
