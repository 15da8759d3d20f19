"""MASAM's own files: safetensors with the configuration in their metadata.

The metadata hold ``masam_format``, ``masam_version``, ``part`` (``whole``, ``delta`` or ``base``),
``config`` (JSON of ModelConfig), and for a delta ``base_file`` and ``base_sha256``, the name and
SHA-256 of its backbone file. Where it is known they hold ``classes`` (JSON: name, colour and
SNOMED CT codes of each), ``prompting`` (``box`` or ``none``: how the model was trained) and
``evidence`` (JSON: how it did on held-out patients, see :mod:`masam_core.model.evidence`).
"""

from __future__ import annotations

from pathlib import Path

import masam_core
from masam_core.digest import sha256_of
from masam_core.errors import CheckpointError, MasamError
from masam_core.model.abilities import BOX, NONE, classes_to_text
from masam_core.model.config import ModelConfig
from masam_core.model.formats.format import BaseFile, CheckpointFormat, WeightFile
from masam_core.model.masam import MASAM, is_backbone
from masam_core.model.state_files import State, write_safetensors

VERSION = "1"
PARTS = ("whole", "delta", "base")


class OwnFormat(CheckpointFormat):
    """One part of a model in a file: all of it, all but the backbone, or the backbone alone.

    Args:
        part: ``whole``, ``delta`` or ``base``; also the format's kind.
        title: what such a file is, for a summary.
    """

    called = "a MASAM .safetensors file"
    ending = ".safetensors"

    def __init__(self, part: str, title: str) -> None:
        self.kind, self.title = part, title

    def recognise(self, file: WeightFile) -> bool:
        found, part = file.metadata.get("masam_format"), file.metadata.get("part")
        if found is None:
            return False
        if found != VERSION or part not in PARTS:
            raise CheckpointError(
                f"{file.path} has format {found}; this version of MASAM reads {VERSION}. Update "
                "MASAM."
            )
        return part == self.kind

    def config(self, file: WeightFile) -> ModelConfig:
        if "config" not in file.metadata:
            raise CheckpointError(f"{file.path} holds no model configuration.")
        try:
            return ModelConfig.from_json(file.metadata["config"])
        except MasamError as error:
            raise CheckpointError(f"{file.path} can't be used. {error}") from error

    def state(self, file: WeightFile, config: ModelConfig) -> State:
        return file.state

    def backbone(self, file: WeightFile) -> str | None:
        return None if self.kind == "delta" else self.config(file).backbone

    def base(self, file: WeightFile, given: Path | None) -> BaseFile | None:
        if self.kind == "base":
            raise CheckpointError(
                f"{file.path} is only a backbone; choose the model file that goes with it."
            )
        if self.kind == "whole":
            return None
        name, digest = (file.metadata.get(key, "") for key in ("base_file", "base_sha256"))
        candidate = Path(given) if given is not None else file.path.parent / name
        if not candidate.is_file():
            raise CheckpointError(
                f"{file.path} stands on the backbone file {name}, which is not beside it. Put it "
                "there or give it as backbone file."
            )
        if sha256_of(candidate) != digest:
            raise CheckpointError(
                f"The backbone file {candidate} is not the one that {file.path.name} was trained "
                f"on (expected sha256 {digest[:16]}...): it is damaged or another version."
            )
        return BaseFile(candidate, digest)

    def prompting(self, file: WeightFile) -> str:
        said = file.metadata.get("prompting", "")
        return said if said in (BOX, NONE) else ""

    def write(
        self, model: MASAM, path: Path, half: bool = False, metadata: dict[str, str] | None = None
    ) -> None:
        state = model.state_dict()
        if self.kind != "whole":
            state = {k: v for k, v in state.items() if is_backbone(k) == (self.kind == "base")}
        if half:
            state = {k: v.half() if v.is_floating_point() else v for k, v in state.items()}
        entries = dict(metadata or {})
        entries |= {
            "masam_format": VERSION,
            "masam_version": masam_core.__version__,
            "part": self.kind,
            "config": model.config.to_json(),
        }
        if self.kind != "base":
            if model.config.class_names or model.classes:
                entries["classes"] = classes_to_text(model.abilities.classes)
            if model.prompting:
                entries["prompting"] = model.prompting
            if model.evidence is not None:
                entries["evidence"] = model.evidence.to_text()
        if self.kind == "delta":
            if not model.base_sha256:
                raise CheckpointError(
                    "This model's backbone did not come from a file of its own, so a delta would "
                    "have nothing to stand on; save it whole."
                )
            entries |= {"base_file": model.base_file, "base_sha256": model.base_sha256}
        write_safetensors(path, state, entries)
