"""Lesions that somebody names for a study: masks as they are, prompts segmented first."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from masam_core.errors import BoxError
from masam_core.followup.masks import MASK_ENDINGS, NamedMask, cropped, read_masks
from masam_core.followup.work import Work
from masam_core.image.volume import Volume
from masam_core.inference.box_segmenter import segment_records
from masam_core.prompts.dicom.objects import Kind, kind_of
from masam_core.prompts.per import Per
from masam_core.prompts.stored import read_records
from masam_core.prompts.together import records_of_files


def given_lesions(path: Path, volume: Volume, per: Per, work: Work) -> list[NamedMask]:
    """The lesions of a file, on a volume's grid.

    Args:
        path: masks (see ``read_masks``); or prompts, which are segmented: Slicer markups, lines
            of a DICOM report or presentation state, the stored prompts of a result (``.json``).
        volume: of the study.
        per: see ``read_masks``.
        work: what prompts are segmented with.

    Raises:
        BoxError: no lesion in it.
        MasamError: it can't be read or segmented.
    """
    name = path.name.lower()
    kind = kind_of(path)
    if kind in (Kind.SEGMENTATION, Kind.STRUCTURES) or (
        kind is None and name.endswith(MASK_ENDINGS)
    ):
        return read_masks(path, volume, per)
    if name.endswith(".json") and not name.endswith(".mrk.json"):
        records = read_records(path, volume)
    else:
        records = records_of_files([path], volume.geometry, per)
    found = segment_records(work.segmenter(), volume, records, work.options, None, work.cancelled)
    masks = [
        cropped(np.asarray(lesion.mask), lesion.name, record.first.tracking_uid, lesion.offset_kji)
        for lesion, record in zip(found, records, strict=True)
    ]
    empty = [lesion.name for lesion, mask in zip(found, masks, strict=True) if mask is None]
    if empty:
        raise BoxError(f"{path}: nothing was found for '{empty[0]}'. Draw its box anew.")
    return [mask for mask in masks if mask is not None]
