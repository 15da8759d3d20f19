"""What a model does: answers prompts, segments whole images by itself, or both."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from masam_core.lesion.organs import ClassTerm, terms_of
from masam_core.model.config import ModelConfig
from masam_core.model.evidence import Evidence

BOX, NONE = "box", "none"  # how a model was trained to be asked; an empty text where nobody says


@dataclass(frozen=True)
class Abilities:
    """What a model does.

    Attributes:
        prompts: whether it answers a box or another prompt on a volume.
        automatic: whether it segments a whole volume without.
        video: whether it is for videos instead.
        classes: that it tells apart, in its order.
        evidence: how far its masks without prompts can be believed; None where nobody says.
    """

    prompts: bool
    automatic: bool
    video: bool
    classes: tuple[ClassTerm, ...]
    evidence: Evidence | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for messages."""
        return {
            "prompts": self.prompts,
            "automatic": self.automatic,
            "video": self.video,
            "classes": [term.to_dict() for term in self.classes],
        }


def abilities_of(
    config: ModelConfig,
    prompting: str = "",
    classes: tuple[ClassTerm, ...] = (),
    evidence: Evidence | None = None,
) -> Abilities:
    """What a model does.

    A model that tells classes apart takes no box, one that looks around a box needs one; one that
    sees whole slices and knows one class does what it was trained to do, or both where its file
    does not say.

    Args:
        config: of the model.
        prompting: how it was trained to be asked: BOX, NONE, or an empty text.
        classes: of its file; empty takes the names of the config.
        evidence: of its file.
    """
    needs_box = config.field_of_view != "slice" or config.shape_prior != "none"
    video = config.sees_video
    return Abilities(
        prompts=not video and config.num_classes == 1 and (needs_box or prompting != NONE),
        automatic=not (video or needs_box) and (config.num_classes > 1 or prompting != BOX),
        video=video,
        classes=classes or terms_of(class_names(config)),
        evidence=evidence,
    )


def class_names(config: ModelConfig) -> tuple[str, ...]:
    """A name for each class, also where the model has none."""
    return config.class_names or tuple(f"class {n}" for n in range(1, config.num_classes + 1))


def classes_to_text(classes: tuple[ClassTerm, ...]) -> str:
    """Classes for a weight file's metadata."""
    return json.dumps([term.to_dict() for term in classes])


def classes_from_metadata(
    metadata: Mapping[str, str], config: ModelConfig
) -> tuple[ClassTerm, ...]:
    """The classes that a weight file states; empty where it states none that fit the model."""
    try:
        given = json.loads(metadata.get("classes", "[]"))
        classes = tuple(ClassTerm.from_dict(entry) for entry in given)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return ()
    return classes if len(classes) == config.num_classes else ()
