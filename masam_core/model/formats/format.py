"""What every format of weight files says of itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

from masam_core.errors import CheckpointError
from masam_core.model.config import ModelConfig
from masam_core.model.masam import MASAM
from masam_core.model.state_files import State, read_state

# The fields that decide which tensors a model has, in a user's words.
_SHAPING = {
    "backbone": "backbone",
    "decoder": "decoder",
    "num_classes": "classes",
    "fact_rank": "FacT rank",
    "adapter_position": "adapter position",
    "adapter_width": "adapter width",
    "num_slices": "slices per window",
    "image_size": "image size",
}


@dataclass(frozen=True)
class WeightFile:
    """A weight file that was read: tensors by their own names, and metadata (safetensors)."""

    path: Path
    state: State
    metadata: dict[str, str]

    @classmethod
    def read(cls, path: Path) -> WeightFile:
        """Read a file whole; CheckpointError if it is no weight file, or damaged."""
        return cls(Path(path), *read_state(path))


@dataclass(frozen=True)
class BaseFile:
    """The backbone file that another stands on."""

    path: Path
    sha256: str


class CheckpointFormat(ABC):
    """A format of weight files.

    A format must say how its files are recognised, which model they hold, and their tensors under
    our names; the other methods have answers that fit a file that holds a whole model.

    Attributes:
        kind: short name, as ``masam info`` and ``masam convert --to`` know it.
        title: what a file of it is, for a summary.
        called: what users call such files, for a list of what can be read.
        ending: of the files that :meth:`write` makes; empty where it makes none.
    """

    kind: str
    title: str
    called: str
    ending: str = ""

    @abstractmethod
    def recognise(self, file: WeightFile) -> bool:
        """Whether a file is of this format.

        Raises:
            CheckpointError: it is, of a version that can't be read.
        """

    @abstractmethod
    def config(self, file: WeightFile) -> ModelConfig:
        """The model that a file holds or belongs to; CheckpointError where it can't be told."""

    @abstractmethod
    def state(self, file: WeightFile, config: ModelConfig) -> State:
        """The tensors that a file holds, under our names, for a model of a config.

        Position embeddings are interpolated to the config's token grid.

        Raises:
            CheckpointError: a name or a shape that the format does not have.
        """

    def backbone(self, file: WeightFile) -> str | None:
        """The backbone whose weights a file holds; None where it holds none."""
        return self.config(file).backbone

    def prompting(self, file: WeightFile) -> str:
        """How the model was trained to be asked (see ``abilities``); empty where nothing says."""
        return ""

    def expect(self, file: WeightFile, wanted: ModelConfig | None) -> ModelConfig:
        """The config of the model to be loaded.

        Args:
            file: of this format.
            wanted: what the caller expects of it, or None.

        Raises:
            CheckpointError: the file holds another model; the differences are named.
        """
        found = self.config(file)
        if wanted is not None:
            require_same(file.path, found, wanted)
        return found

    def base(self, file: WeightFile, given: Path | None) -> BaseFile | None:
        """The backbone file that a file stands on; None for a file that holds its backbone.

        Args:
            file: of this format.
            given: what the user gave as backbone file, or None.

        Raises:
            CheckpointError: it is missing or another one, or the file can't be loaded by itself.
        """
        return None

    def start(self, file: WeightFile, config: ModelConfig) -> MASAM | None:
        """A fresh model of another config on a file's weights, where the format allows that; else
        None, and the file must hold the model of the config."""
        return None

    def write(
        self, model: MASAM, path: Path, half: bool = False, metadata: dict[str, str] | None = None
    ) -> None:
        """Write a model, atomically; only for formats with an ``ending``.

        Args:
            model: with its original weights.
            path: target file.
            half: store float16.
            metadata: further entries, e.g. licence and training data.

        Raises:
            CheckpointError: the format has no place for the model, or the file can't be written.
        """
        raise CheckpointError(f"MASAM does not write files of the kind '{self.kind}'.")


def require_same(path: Path, found: ModelConfig, expected: ModelConfig) -> None:
    """Raise CheckpointError, naming the differences, unless two configs shape the same model."""
    differences = [
        f"{title} {getattr(found, name)} found, {getattr(expected, name)} expected"
        for name, title in _SHAPING.items()
        if getattr(found, name) != getattr(expected, name)
    ]
    if differences:
        raise CheckpointError(f"{path} is another model than expected: {'; '.join(differences)}.")
