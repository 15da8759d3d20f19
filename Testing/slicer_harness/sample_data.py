"""``SampleData``: the module's logic, in the shape of Slicer 5.13 and in that of older ones.

Both refuse a word that they don't know. The newer one guesses what a file is when it is not told:
an image of whole numbers may open as a segmentation.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any
from urllib.parse import urlparse
from urllib.request import url2pathname

import SimpleITK as sitk

Source = dict[str, Any]
registered: list[Source] = []


class SampleDataLogic:
    """Of Slicer 5.13."""

    @staticmethod
    def registerCustomSampleDataSource(
        category: str = "Custom",
        sampleName: str | None = None,
        uris: str | None = None,
        fileNames: str | None = None,
        nodeNames: str | None = None,
        customDownloader: Any = None,
        thumbnailFileName: str | None = None,
        loadFileTypes: str | None = None,
        loadFiles: bool | None = None,
        loadFileProperties: dict[str, Any] | None = None,
        checksums: str | None = None,
    ) -> None:
        """Offer a sample; the same one twice is one."""
        _keep(dict(locals()), loadFileTypes)

    def downloadSample(self, sampleName: str) -> Any:
        """Load a sample into the scene; its node."""
        return _load(next(s for s in registered if s["sampleName"] == sampleName))


class OlderSampleDataLogic:
    """Of Slicer 5.10: an image unless told otherwise."""

    @staticmethod
    def registerCustomSampleDataSource(
        category: str = "Custom",
        sampleName: str | None = None,
        uris: str | None = None,
        fileNames: str | None = None,
        nodeNames: str | None = None,
        customDownloader: Any = None,
        thumbnailFileName: str | None = None,
        loadFileType: str = "VolumeFile",
        loadFiles: bool | None = None,
        loadFileProperties: dict[str, Any] | None = None,
        checksums: str | None = None,
    ) -> None:
        """Offer a sample; the same one twice is one."""
        _keep(dict(locals()), loadFileType)

    downloadSample = SampleDataLogic.downloadSample


def _keep(source: Source, kind: str | None) -> None:
    source["kind"] = kind
    if source not in registered:
        registered.append(source)


def _load(source: Source) -> Any:
    """Load as the application does: after its digest, as its kind says.

    Raises:
        ValueError: the file is not the one that was promised.
    """
    import slicer

    path = Path(url2pathname(urlparse(source["uris"]).path))
    algorithm, digest = source["checksums"].split(":")
    if hashlib.new(algorithm, path.read_bytes()).hexdigest() != digest:
        raise ValueError(f"The checksum of {path.name} is another one")
    kind = source["kind"] or _guess(path)
    if kind == "VolumeFile":
        return slicer.modules.volumes.logic().AddArchetypeVolume(str(path), source["nodeNames"])
    return slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", source["nodeNames"])


def _guess(path: Path) -> str:
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    reader.ReadImageInformation()
    whole = reader.GetPixelID() not in (sitk.sitkFloat32, sitk.sitkFloat64)
    return "SegmentationFile" if whole else "VolumeFile"
