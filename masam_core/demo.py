"""The demonstration: two real tumours that no training has seen, each from its tight box."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path

from masam_core.catalog.bundled import SAMPLES, sample_data_dir
from masam_core.errors import MasamError
from masam_core.lesion.crops import tight_box
from masam_core.scoring.metrics import dice, inscribed_ellipsoid
from masam_core.threads import share_processor

TITLES = {
    "sarcoma_mr": "Soft-tissue sarcoma, T1-weighted MR",
    "sarcoma_ct": "The same sarcoma, low-dose CT",
}


def run_demo(out: Path) -> bool:
    """Segment the sample volumes from their ROI files and write everything into ``out``.

    Returns:
        Whether each mask is closer to the expert's than the ellipsoid inscribed in its box.

    Raises:
        MasamError: an incomplete installation, or a folder that can't be written.
    """
    from rich.table import Table

    from masam_core.cli.terminal import console
    from masam_core.export.measurements import measurement_rows, write_measurements
    from masam_core.export.overlay.overlay import render_overlay
    from masam_core.export.segmentation import write_segmentation
    from masam_core.image.volume import read_labels, read_volume
    from masam_core.inference.segmenter import Segmenter
    from masam_core.lesion.measurements.diameters import diameters_text
    from masam_core.prompts.roi import read_roi

    shown = console()
    out.mkdir(parents=True, exist_ok=True)
    shown.print("Loading the bundled model ...")
    segmenter = Segmenter()
    table = Table(title="Tumours from their tight 3D boxes")
    for column in ("Volume", "Dice", "Ellipsoid", "Volume ml", "Diameters mm", "Seconds"):
        table.add_column(column, justify="left" if column == "Volume" else "right")
    rows = []
    better = True
    for name, title in TITLES.items():
        folder = sample_data_dir() / name
        volume = read_volume(folder / "image.nii.gz")
        expert = read_labels(folder / "expert.nii.gz")[0] > 0
        box = read_roi(folder / "box.mrk.json", volume.geometry)[0]
        shown.print(f"Segmenting: {title}, {' x '.join(map(str, volume.geometry.size_ijk))} voxels")
        began = time.monotonic()
        segmenter.set_volume(volume, SAMPLES[name])
        lesion = segmenter.segment(box)
        seconds = time.monotonic() - began
        ours = dice(lesion.mask_on_volume(), expert)
        ellipsoid = dice(inscribed_ellipsoid(volume.geometry.shape, tight_box(expert)), expert)
        better &= ours > ellipsoid
        write_segmentation(out / f"{name}.seg.nrrd", [lesion], volume)
        render_overlay(out / f"{name}.png", volume, [lesion], expert, title)
        rows += measurement_rows([lesion], replace(volume, name=name))
        m = lesion.measurements
        table.add_row(
            title,
            f"{ours:.3f}",
            f"{ellipsoid:.3f}",
            f"{m.volume_ml:.1f}",
            diameters_text(m) or "-",
            f"{seconds:.1f}",
        )
    write_measurements(out / "measurements.csv", rows)
    shown.print(table)
    shown.print(
        "Dice compares with the expert's mask (1 is perfect agreement); 'Ellipsoid' is what the "
        "box alone would give."
    )
    shown.print(f"Pictures, .seg.nrrd files for 3D Slicer and measurements.csv are in {out}")
    return better


def main() -> int:
    """`python -m masam_core.demo [FOLDER]`; returns the exit code."""
    share_processor()
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("demo_output")
    try:
        better = run_demo(out)
    except (MasamError, OSError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    if not better:
        print("A mask is no better than the box's ellipsoid: something is wrong.", file=sys.stderr)
    return 0 if better else 1


if __name__ == "__main__":
    sys.exit(main())
