"""Outline a tumour in an array of your own, from a tight box.

    python examples/box_on_array.py [OUT.seg.nrrd]

The array here is the bundled MR; any 3D array will do, in the order K, J, I (slice, row, column).
"""

from __future__ import annotations

import sys
from pathlib import Path

import SimpleITK as sitk

import masam_core as masam

SAMPLE = Path(__file__).resolve().parents[1] / "Resources" / "SampleData" / "sarcoma_mr"


def main(out: Path) -> None:
    """Segment the sarcoma of the bundled MR; write it for 3D Slicer."""
    image = sitk.ReadImage(str(SAMPLE / "image.nii.gz"))
    array = sitk.GetArrayFromImage(image)
    place = {"origin": image.GetOrigin(), "direction": image.GetDirection()}

    segmenter = masam.Segmenter("bundled")
    segmenter.set_volume(array, spacing=image.GetSpacing(), **place)
    lesion = segmenter.segment(str(SAMPLE / "box.mrk.json"), quality="fast")

    mask = lesion.mask_on_volume()  # bool, K J I, as large as the array
    print(f"{mask.sum()} voxels, {lesion.measurements.volume_ml:.1f} ml")
    print(f"confidence {lesion.confidence:.2f}")
    masam.save([lesion], out)
    print(f"Wrote {out}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("sarcoma.seg.nrrd"))
