"""The bundled volumes in Slicer's Sample Data module."""

from __future__ import annotations

import inspect
from pathlib import Path

# Name for people, folder, name of the node, SHA-256 of image.nii.gz (tested against the file).
SAMPLES = (
    (
        "MASAM sarcoma MR",
        "sarcoma_mr",
        "SarcomaMR",
        "adebb0ef08d40e3c2e1e27a2a58edf374d9a7a86a4c64f75ebf029e51d78f32f",
    ),
    (
        "MASAM sarcoma CT",
        "sarcoma_ct",
        "SarcomaCT",
        "fa6d954ed0925f2281ec25fe9b36120f2296f946f58415bbd3e3ff56e308641b",
    ),
)


def registerSampleData() -> None:
    """Offer the samples; they come with the extension, so nothing is downloaded."""
    import SampleData  # part of the application

    from masam_core.catalog.bundled import sample_data_dir

    register = SampleData.SampleDataLogic.registerCustomSampleDataSource
    # Images, said so: a newer Slicer guesses otherwise, and one of few whole numbers would open as
    # a segmentation. Older ones have the word in the singular.
    words = inspect.signature(register).parameters
    kind = "loadFileTypes" if "loadFileTypes" in words else "loadFileType"
    icons = Path(__file__).resolve().parents[1] / "Resources" / "Icons"
    for name, folder, node, digest in SAMPLES:
        image = sample_data_dir() / folder / "image.nii.gz"
        register(
            category="MASAM",
            sampleName=name,
            thumbnailFileName=str(icons / "MASAMSlicer.png"),
            uris=image.as_uri(),
            fileNames=f"{folder}.nii.gz",
            checksums=f"SHA256:{digest}",
            nodeNames=node,
            **{kind: "VolumeFile"},
        )
