"""Volume nodes as the core's volumes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from masam_core.errors import VolumeError
from masam_core.image.volume import read_volume
from Testing.slicer.scene.conftest import OBLIQUE, Scene, vtk_matrix


def test_a_volume_is_what_slicer_would_save(make: Scene, tmp_path: Path) -> None:
    import slicer
    from MASAMSlicerLib.scene.volumes import volumeFromNode

    node = make.volume()
    storage = slicer.vtkMRMLVolumeArchetypeStorageNode()
    storage.SetFileName(str(tmp_path / "scan.nrrd"))
    assert storage.WriteData(node)
    expected = read_volume(tmp_path / "scan.nrrd")
    found = volumeFromNode(node)
    assert np.array_equal(found.array, expected.array)
    assert found.geometry.same_grid(expected.geometry)
    assert found.content_hash


def test_the_hash_is_kept_until_the_image_or_its_place_changes(make: Scene) -> None:
    import slicer
    from MASAMSlicerLib.scene.volumes import volumeFromNode

    node = make.volume()
    first = volumeFromNode(node)
    before = first.content_hash
    assert volumeFromNode(node) is first
    slicer.util.arrayFromVolume(node)[3, 4, 5] += 1
    slicer.util.arrayFromVolumeModified(node)
    second = volumeFromNode(node)
    assert second.content_hash != before
    moved = OBLIQUE.copy()
    moved[0, 3] += 1
    node.SetIJKToRASMatrix(vtk_matrix(moved))
    assert volumeFromNode(node).content_hash != second.content_hash


def test_hounsfield_units_and_dicom_say_the_modality(make: Scene) -> None:
    import slicer
    from MASAMSlicerLib.scene.volumes import modalityOf

    node = make.volume()
    assert modalityOf(node) is None
    units = slicer.vtkCodedEntry()
    units.SetValueSchemeMeaning("[hnsf'U]", "UCUM", "Hounsfield unit")
    node.SetVoxelValueUnits(units)
    assert modalityOf(node) == "CT"
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(make.scene)
    other = make.volume(name="other")
    item = hierarchy.CreateItem(hierarchy.GetSceneItemID(), other)
    hierarchy.SetItemAttribute(item, "DICOM.Modality", "MR")
    assert modalityOf(other) == "MR"


def test_what_is_no_single_grey_image_is_refused_in_words(make: Scene) -> None:
    import vtk
    from MASAMSlicerLib.scene.volumes import volumeFromNode

    with pytest.raises(VolumeError, match="Choose a volume"):
        volumeFromNode(None)
    empty = make.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "empty")
    with pytest.raises(VolumeError, match="'empty' holds no image"):
        volumeFromNode(empty)
    for kind, name in (
        ("vtkMRMLVectorVolumeNode", "colour"),
        ("vtkMRMLScalarVolumeNode", "times"),
    ):
        node = make.scene.AddNewNodeByClass(kind, name)
        image = vtk.vtkImageData()
        image.SetDimensions(4, 4, 4)
        image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 3)
        node.SetAndObserveImageData(image)
        with pytest.raises(VolumeError, match=f"'{name}' has 3 values per voxel"):
            volumeFromNode(node)
    labels = make.scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "labels")
    image = vtk.vtkImageData()
    image.SetDimensions(4, 4, 4)
    image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
    labels.SetAndObserveImageData(image)
    with pytest.raises(VolumeError, match="'labels' is a label map"):
        volumeFromNode(labels)


def test_all_frames_of_a_sequence(make: Scene) -> None:
    import slicer
    from MASAMSlicerLib.scene.volumes import frameOf, framesOf, showFrame, volumeFromNode

    proxy = make.volume(name="shown")
    assert framesOf(proxy) == []
    sequence = make.scene.AddNewNodeByClass("vtkMRMLSequenceNode", "times")
    arrays = [np.full((12, 14, 16), value, np.int16) for value in (3, 5, 8)]
    for number, array in enumerate(arrays):
        frame = slicer.vtkMRMLScalarVolumeNode()
        slicer.util.updateVolumeFromArray(frame, array)
        frame.SetIJKToRASMatrix(vtk_matrix(OBLIQUE))
        sequence.SetDataNodeAtValue(frame, str(number))
    browser = make.scene.AddNewNodeByClass("vtkMRMLSequenceBrowserNode", "browser")
    browser.SetAndObserveMasterSequenceNodeID(sequence.GetID())
    browser.AddProxyNode(proxy, sequence, False)
    found = [volumeFromNode(frame) for frame in framesOf(proxy)]
    assert [int(volume.array.mean()) for volume in found] == [3, 5, 8]
    assert len({volume.content_hash for volume in found}) == 3
    logic = slicer.modules.sequences.logic()
    shown = []
    for number in (1, 2, 9, 0, -4, 1, 2):  # beyond the ends it stays at them
        showFrame(proxy, number, logic)
        shown.append((frameOf(proxy), int(slicer.util.arrayFromVolume(proxy).mean())))
    assert shown == [(1, 5), (2, 8), (2, 8), (0, 3), (0, 3), (1, 5), (2, 8)]
    single = make.volume(name="single")
    showFrame(single, 1, logic)
    assert frameOf(single) == 0


def test_slicer_and_simpleitk_agree_on_where_a_voxel_lies(make: Scene, tmp_path: Path) -> None:
    import slicer
    from MASAMSlicerLib.scene.volumes import geometryOf

    node = make.volume()
    storage = slicer.vtkMRMLVolumeArchetypeStorageNode()
    storage.SetFileName(str(tmp_path / "scan.nrrd"))
    assert storage.WriteData(node)
    image: Any = sitk.ReadImage(str(tmp_path / "scan.nrrd"))
    index = (3, 11, 7)
    expected = image.TransformIndexToPhysicalPoint(index)
    assert np.allclose(geometryOf(node).lps_from_ijk([index])[0], expected, atol=1e-4)
