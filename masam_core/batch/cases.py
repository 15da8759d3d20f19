"""Which images there are, and which boxes belong to each."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from masam_core.batch.case import BatchCase
from masam_core.batch.folders import label_files, look_through
from masam_core.batch.listing import read_list
from masam_core.batch.names import distinct
from masam_core.batch.search import Search
from masam_core.batch.stores import list_store, url_of
from masam_core.errors import ConfigError
from masam_core.prompts.readers.slicer_markups import SLICER_MARKUPS

_MOST_NOTES = 20  # on images without a box; more are counted


def find_cases(
    source: Path, labels: Path | None = None, out: Path | None = None, automatic: bool = False
) -> tuple[list[BatchCase], list[str]]:
    """Cases of a folder or a CSV list, and notes on what was left out.

    In a folder, an image ``NAME.nii.gz`` goes with ``NAME.mrk.json``, ``NAME_*.mrk.json`` (or with
    ``.``, ``-`` or a space), or with a label image ``NAME_label.nii.gz``, ``NAME.seg.nrrd`` and the
    like, or one of its own name in ``labels``; ``NAME_0000.nii.gz`` (nnU-Net's first channel) goes
    with boxes of ``NAME``, too. Where a sub-folder holds one image or DICOM series, in itself or
    below, all boxes in it are that image's, and the case bears the sub-folder's name; among several
    images the names decide. ROI files, and other files of prompts that are no images, come before
    label images.

    Args:
        source: folder, or a CSV with the columns ``image``, ``boxes`` (several by ``;``) and
            optionally ``name``; paths relative to the CSV. A folder, and what a CSV names, may be
            in an object store (``s3://...``, see ``masam_core.batch.stores``).
        labels: folder of label images that bear the images' names.
        out: folder of the results, which holds no cases even if it lies in ``source``.
        automatic: whether images are segmented whole: then every image is a case, without boxes,
            and a list needs no column of them. Files of boxes are still told from images.

    Raises:
        ConfigError: no such folder, no case in it, or a list that can't be read.
    """
    for what, path in (("labels", labels), ("results", out)):
        if path is not None and url_of(path):
            raise ConfigError(f"The folder of {what} is {url_of(path)}; expected one on a drive.")
    if url := url_of(source):
        return _in_store(url, labels, automatic)
    if source.is_file():
        return distinct(read_list(source, automatic), source.parent)
    if not source.is_dir():
        raise ConfigError(f"There is no folder of images at {source}.")
    if labels is not None and not labels.is_dir():
        raise ConfigError(f"There is no folder of label images at {labels}.")
    top, notes = look_through(source, {p.resolve() for p in (labels, out) if p is not None})
    search = Search([] if labels is None else label_files(labels))
    images = search.run(top)
    if automatic:
        every = [BatchCase(image.case.name, image.image) for image in images]
        if not every:
            raise ConfigError(f"{source} holds no image. Expected NAME.nii.gz, .nrrd or .mha.")
        found, renamed = distinct(every, source)
        return found, [*notes, *renamed]
    lonely = [image.shown for image in images if not image.boxes]
    notes += [f"{shown}: no box was found for it." for shown in lonely[:_MOST_NOTES]]
    if (more := len(lonely) - _MOST_NOTES) > 0:
        notes.append(f"{more} more images: no box was found for them.")
    notes += search.notes
    found, renamed = distinct([image.case for image in images if image.boxes], source)
    if not found:
        raise ConfigError(
            f"{source} holds no image with boxes. Expected NAME.nii.gz (or .nrrd, .mha) and beside "
            f"it NAME{SLICER_MARKUPS.endings[0]} or NAME_label.nii.gz."
            + "".join(f" {note}" for note in notes[:3])
        )
    return found, [*notes, *renamed]


def _in_store(url: str, labels: Path | None, automatic: bool) -> tuple[list[BatchCase], list[str]]:
    """The cases of a folder in an object store: found by their names, nothing is fetched."""
    with tempfile.TemporaryDirectory(prefix="masam-") as folder:
        root = Path(folder).resolve() / Path(url).name
        root.mkdir()
        odd = list_store(url, root)

        def there(path: Path) -> Path:
            return Path(url) / path.relative_to(root) if path.is_relative_to(root) else path

        try:
            cases, notes = find_cases(root, labels, None, automatic)
        except ConfigError as error:
            raise ConfigError(str(error).replace(str(root), url)) from error
    found = [
        replace(case, image=there(case.image), boxes=tuple(there(box) for box in case.boxes))
        for case in cases
    ]
    return found, [*odd, *(note.replace(str(root), url) for note in notes)]
