"""Label images, Slicer segmentations among them: the tight box of each piece or value."""

from __future__ import annotations

from masam_core.prompts.labels import boxes_of_labels
from masam_core.prompts.readers.reader import PromptReader

LABEL_IMAGE = PromptReader(
    (".nii.gz", ".nii", ".nrrd", ".nhdr", ".mha", ".mhd", ".hdr"),
    "a label image",
    boxes_of_labels,
    is_image=True,
)
