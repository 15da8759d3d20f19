"""What a DICOM object gave for a volume."""

from __future__ import annotations

from dataclasses import dataclass, field

from masam_core.prompts.first import FirstPrompt


@dataclass
class Found:
    """Prompts of an object.

    Attributes:
        prompts: on the volume, in the object's order.
        elsewhere: shapes that are drawn on other images, or where that is not known.
    """

    prompts: list[FirstPrompt] = field(default_factory=list)
    elsewhere: int = 0
