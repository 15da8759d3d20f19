"""Segment a folder of images with their boxes; what fails stops nothing, what is done is kept.

    python examples/folder_in_batch.py IMAGES RESULTS

IMAGES holds NAME.nii.gz and NAME.mrk.json (a ROI of 3D Slicer), as for `masam batch`. Started
again, it goes on where it stopped.
"""

from __future__ import annotations

import sys
from pathlib import Path

from masam_core.batch.driver import open_batch
from masam_core.batch.spec import BatchSpec


def main(images: Path, results: Path) -> None:
    """Run the batch, saying what becomes of each case."""
    batch = open_batch(BatchSpec(images, results, format=".nii.gz"))
    for note in batch.notes:
        print(note)
    batch.run(
        on_case=lambda name, status, message: print(f"{name}: {status} {message}".strip()),
        on_progress=lambda name, fraction, words: None,
        cancelled=lambda: False,
    )
    print(f"The masks and measurements.csv are in {results}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]))
