"""The MA-SAM files of its authors (``.pth``): what was trained, to be put on top of a SAM file."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from masam_core.digest import sha256_of
from masam_core.errors import CheckpointError
from masam_core.model.backbones import BACKBONES, SAM
from masam_core.model.config import ModelConfig
from masam_core.model.encoders.sam import SamImageEncoder
from masam_core.model.formats.authors_names import from_authors, to_authors
from masam_core.model.formats.format import (
    BaseFile,
    CheckpointFormat,
    WeightFile,
    require_same,
)
from masam_core.model.masam import MASAM, is_backbone
from masam_core.model.state_files import State, write_torch

# These leave no trace in a file, so the caller may set them.
_TRACELESS = ("name", "image_size", "num_slices", "intensity", "class_names", "threshold")


class AuthorsFormat(CheckpointFormat):
    """MA-SAM (Chen et al. 2024) as released: FacT, adapters, prompt encoder and decoder."""

    kind = "authors"
    title = "MA-SAM as released by its authors (to be put on top of a SAM file)"
    called = "MA-SAM of its authors"
    ending = ".pth"

    def recognise(self, file: WeightFile) -> bool:
        return "q_FacTs_000" in file.state and "image_encoder.FacTu.weight" in file.state

    def config(self, file: WeightFile) -> ModelConfig:
        """Config from the shapes of the tensors.

        Slices per window and image size leave no trace; the paper's 5 and 512 are taken.

        Raises:
            CheckpointError: the tensors contradict one another or no known backbone fits.
        """
        delta = from_authors(file.state)
        try:
            rank, width = delta["image_encoder.fact.u.weight"].shape
            classes = delta["mask_decoder.mask_tokens.weight"].shape[0] - 1
            adapter = delta["image_encoder.adapters.0.before.down.weight"].shape[0]
        except KeyError as error:
            raise CheckpointError(
                f"{file.path} is an incomplete MA-SAM file: {error} is missing."
            ) from None
        depth = sum(1 for name in delta if name.startswith("image_encoder.fact.q."))
        known = {n: (s.width, s.depth) for n, s in BACKBONES.items() if s.encoder == SAM}
        fits = [name for name, shape in known.items() if shape == (width, depth)]
        if not fits:
            raise CheckpointError(
                f"{file.path} was trained on a backbone of width {width} and {depth} blocks; known "
                "are " + ", ".join(f"{name} ({w}, {d})" for name, (w, d) in known.items())
            )
        both = "image_encoder.adapters.0.after.down.weight" in delta
        return ModelConfig(
            name=f"MA-SAM {fits[0]}, {classes} classes",
            backbone=fits[0],
            num_classes=classes,
            fact_rank=rank,
            adapter_width=adapter,
            adapter_position="both" if both else "before",
        )

    def state(self, file: WeightFile, config: ModelConfig) -> State:
        return from_authors(file.state)

    def backbone(self, file: WeightFile) -> str | None:
        return None

    def expect(self, file: WeightFile, wanted: ModelConfig | None) -> ModelConfig:
        found = self.config(file)
        if wanted is not None:
            traceless = {name: getattr(wanted, name) for name in _TRACELESS}
            found = dataclasses.replace(found, **traceless)
            require_same(file.path, found, wanted)
        return found

    def base(self, file: WeightFile, given: Path | None) -> BaseFile | None:
        if given is None:
            raise CheckpointError(
                f"{file.path} is an MA-SAM file of the authors: it holds only what was trained. "
                f"Give the SAM {self.config(file).backbone} file that it stands on as backbone "
                "file."
            )
        return BaseFile(Path(given), sha256_of(given))

    def write(
        self, model: MASAM, path: Path, half: bool = False, metadata: dict[str, str] | None = None
    ) -> None:
        config = model.config
        if half:
            raise CheckpointError("The authors' format is float32; leave out --half.")
        if metadata:
            raise CheckpointError("The authors' format has no place for metadata.")
        if (
            not isinstance(model.image_encoder, SamImageEncoder)
            or config.adapter_position != "both"
            or not config.fact_rank
        ):
            raise CheckpointError(
                "The authors' layout needs a SAM backbone, FacT, and adapters in both positions."
            )
        delta = {k: v for k, v in model.state_dict().items() if not is_backbone(k)}
        write_torch(path, to_authors(delta))
