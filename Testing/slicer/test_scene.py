"""Scene in, files out, and back, on the real MRML: positions, transforms, neighbours."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from scipy.spatial.transform import Rotation

from masam_core.boxes import BoxPrompt
from masam_core.catalog.bundled import bundled_model_path
from masam_core.inference.segmenter import Segmenter, SegmentOptions
from masam_core.model.checkpoint import load_model
from masam_core.roi import read_roi
from masam_core.volume import read_labels, read_volume

FLIP = np.diag([-1.0, -1.0, 1.0])


def vtk_matrix(mrml: Any, values: np.ndarray) -> Any:
    matrix = mrml.vtk.vtkMatrix4x4()
    for row in range(4):
        for col in range(4):
            matrix.SetElement(row, col, values[row, col])
    return matrix


def rigid(angles: tuple[float, float, float], shift: tuple[float, float, float]) -> np.ndarray:
    out = np.eye(4)
    out[:3, :3] = Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
    out[:3, 3] = shift
    return out


def add_volume(mrml: Any, array: np.ndarray, ijk_to_ras: np.ndarray) -> Any:
    node = mrml.slicer.vtkMRMLScalarVolumeNode()
    node.SetName("scan")
    mrml.scene.AddNode(node)
    mrml.slicer.util.updateVolumeFromArray(node, array)
    node.SetIJKToRASMatrix(vtk_matrix(mrml, ijk_to_ras))
    return node


def add_roi(mrml: Any, object_to_node: np.ndarray, size: tuple[float, float, float]) -> Any:
    node = mrml.slicer.vtkMRMLMarkupsROINode()
    node.SetName("Tumour")
    mrml.scene.AddNode(node)
    node.SetSize(*size)
    node.SetAndObserveObjectToNodeMatrix(vtk_matrix(mrml, object_to_node))
    return node


def put_under(mrml: Any, node: Any, matrix: np.ndarray) -> None:
    transform = mrml.slicer.vtkMRMLLinearTransformNode()
    mrml.scene.AddNode(transform)
    transform.SetMatrixTransformToParent(vtk_matrix(mrml, matrix))
    node.SetAndObserveTransformNodeID(transform.GetID())


@pytest.fixture
def oblique() -> np.ndarray:
    """IJK to RAS of a turned, anisotropic, left-handed grid."""
    matrix = rigid((10, -20, 35), (12, -40, 7))
    matrix[:3, :3] *= np.array([0.8, -0.9, 2.5])
    return matrix


def test_an_exported_volume_has_its_values_and_place(
    mrml: Any, oblique: np.ndarray, tmp_path: Path
) -> None:
    array = np.random.default_rng(0).integers(-500, 500, size=(5, 6, 7)).astype(np.int16)
    node = add_volume(mrml, array, oblique)
    mrml.helpers.exportVolume(node, tmp_path / "image.nrrd")
    volume = read_volume(tmp_path / "image.nrrd")
    assert np.array_equal(volume.array, array)
    assert np.allclose(volume.geometry.ijk_to_ras, oblique, atol=1e-4)


@pytest.mark.parametrize("volume_moved", [False, True])
@pytest.mark.parametrize("roi_moved", [False, True])
def test_all_eight_corners_of_a_rotated_roi_reach_the_volumes_voxels(
    mrml: Any, oblique: np.ndarray, tmp_path: Path, volume_moved: bool, roi_moved: bool
) -> None:
    volume = add_volume(mrml, np.zeros((20, 30, 40), dtype=np.int16), oblique)
    roi = add_roi(mrml, rigid((25, 5, -40), (20, -30, 25)), (14.0, 9.0, 21.0))
    if volume_moved:
        put_under(mrml, volume, rigid((0, 30, 10), (5, 6, -7)))
    if roi_moved:
        put_under(mrml, roi, rigid((15, 0, 0), (-3, 2, 9)))
    mrml.helpers.exportVolume(volume, tmp_path / "image.nrrd")
    mrml.helpers.exportRoi(roi, volume, tmp_path / "box.mrk.json")
    (box,) = read_roi(tmp_path / "box.mrk.json", read_volume(tmp_path / "image.nrrd").geometry)

    # Independently, with MRML's own transforms: object -> world -> the volume's RAS -> IJK.
    object_to_world = roi.GetObjectToWorldMatrix()
    world_to_local = mrml.vtk.vtkGeneralTransform()
    mrml.slicer.vtkMRMLTransformNode.GetTransformBetweenNodes(
        None, volume.GetParentTransformNode(), world_to_local
    )
    ras_to_ijk = mrml.vtk.vtkMatrix4x4()
    volume.GetRASToIJKMatrix(ras_to_ijk)
    expected = []
    for number in range(8):
        signs = np.array([number & 1, number >> 1 & 1, number >> 2 & 1]) - 0.5
        corner = [*(signs * np.array(roi.GetSize())), 1.0]
        world = object_to_world.MultiplyPoint(corner)[:3]
        local = world_to_local.TransformPoint(world)
        expected.append(ras_to_ijk.MultiplyPoint([*local, 1.0])[:3])
    assert np.allclose(box.corners_ijk, expected, atol=1e-3)
    assert box.name == "Tumour"


def test_a_result_becomes_a_segment_under_the_volumes_transform(
    mrml: Any, oblique: np.ndarray, tmp_path: Path
) -> None:
    from masam_core.segmentation import write_segmentation

    array = np.zeros((12, 30, 30), dtype=np.int16)
    array[4:8, 8:20, 10:22] = 400
    volume = add_volume(mrml, array, oblique)
    put_under(mrml, volume, rigid((0, 0, 20), (1, 2, 3)))
    mrml.helpers.exportVolume(volume, tmp_path / "image.nrrd")
    image = read_volume(tmp_path / "image.nrrd")
    segmenter = Segmenter(load_model(bundled_model_path()), device="cpu")
    segmenter.set_volume(image, "MR")
    box = BoxPrompt.from_voxels(10, 21, 8, 19, 4, 7, name="Ball")
    lesion = segmenter.segment(box, SegmentOptions(quality="fast"))
    write_segmentation(tmp_path / "r.seg.nrrd", [lesion], image)

    output = mrml.slicer.vtkMRMLSegmentationNode()
    mrml.scene.AddNode(output)
    (first,) = mrml.helpers.importSegments(tmp_path / "r.seg.nrrd", volume, output)
    assert output.GetTransformNodeID() == volume.GetTransformNodeID()
    segment = output.GetSegmentation().GetSegment(first)
    assert segment.GetName() == "Ball"
    before = voxels_ras(mrml, output, first)
    expected = image.geometry.ras_from_ijk(np.argwhere(lesion.full_mask())[:, ::-1])
    assert len(expected) > 50
    assert np.allclose(in_order(before), in_order(expected), atol=1e-3)

    # A second result is added beside the first, which stays voxel by voxel.
    (second,) = mrml.helpers.importSegments(tmp_path / "r.seg.nrrd", volume, output)
    assert output.GetSegmentation().GetNumberOfSegments() == 2
    assert second != first
    assert np.array_equal(voxels_ras(mrml, output, first), before)

    put_under(mrml, volume, rigid((0, 0, 50), (1, 2, 3)))
    with pytest.raises(ValueError, match="another transform"):
        mrml.helpers.importSegments(tmp_path / "r.seg.nrrd", volume, output)
    assert output.GetSegmentation().GetNumberOfSegments() == 2


def voxels_ras(mrml: Any, node: Any, segment_id: str) -> np.ndarray:
    """RAS positions of a segment's voxels in the node's own frame, by Slicer's matrices."""
    from vtk.util.numpy_support import vtk_to_numpy

    image = mrml.slicer.vtkOrientedImageData()
    node.GetBinaryLabelmapRepresentation(segment_id, image)
    i0, i1, j0, j1, k0, k1 = image.GetExtent()
    values = vtk_to_numpy(image.GetPointData().GetScalars())
    values = values.reshape(k1 - k0 + 1, j1 - j0 + 1, i1 - i0 + 1)
    matrix = mrml.vtk.vtkMatrix4x4()
    image.GetImageToWorldMatrix(matrix)
    ijk = np.argwhere(values)[:, ::-1] + (i0, j0, k0)
    to_ras = mrml.helpers.asArray(matrix)
    return np.asarray(ijk @ to_ras[:3, :3].T + to_ras[:3, 3])


def in_order(points: np.ndarray) -> np.ndarray:
    return points[np.lexsort(points.round(2).T)]


def test_an_unreadable_result_leaves_the_output_as_it_was(
    mrml: Any, oblique: np.ndarray, tmp_path: Path
) -> None:
    volume = add_volume(mrml, np.zeros((4, 5, 6), dtype=np.int16), oblique)
    output = mrml.slicer.vtkMRMLSegmentationNode()
    mrml.scene.AddNode(output)
    with pytest.raises(RuntimeError, match="could not be read"):
        mrml.helpers.importSegments(tmp_path / "missing.seg.nrrd", volume, output)
    assert output.GetSegmentation().GetNumberOfSegments() == 0
    assert output.GetTransformNodeID() is None


def test_what_cannot_be_segmented_is_refused_in_words(
    mrml: Any, oblique: np.ndarray, tmp_path: Path
) -> None:
    volume = add_volume(mrml, np.zeros((4, 5, 6), dtype=np.int16), oblique)
    with pytest.raises(ValueError, match="Choose a volume"):
        mrml.helpers.exportVolume(None, tmp_path / "a.nrrd")
    with pytest.raises(ValueError, match="Choose or draw a ROI"):
        mrml.helpers.exportRoi(None, volume, tmp_path / "a.mrk.json")
    colour = mrml.slicer.vtkMRMLVectorVolumeNode()
    mrml.scene.AddNode(colour)
    mrml.slicer.util.updateVolumeFromArray(colour, np.zeros((4, 5, 6, 3), dtype=np.uint8))
    with pytest.raises(ValueError, match="3 values per voxel"):
        mrml.helpers.exportVolume(colour, tmp_path / "a.nrrd")
    warp = mrml.slicer.vtkMRMLBSplineTransformNode()
    mrml.scene.AddNode(warp)
    warp.SetAndObserveTransformToParent(mrml.vtk.vtkThinPlateSplineTransform())
    volume.SetAndObserveTransformNodeID(warp.GetID())
    if not warp.IsTransformToWorldLinear():
        with pytest.raises(ValueError, match="not linear"):
            mrml.helpers.exportVolume(volume, tmp_path / "a.nrrd")
    assert list(tmp_path.iterdir()) == []


def test_the_process_gives_what_the_core_gives(
    mrml: Any, sample_data: Path, tmp_path: Path
) -> None:
    from MASAMSlicerLib import command

    folder = sample_data / "sarcoma_mr"
    node = mrml.slicer.vtkMRMLScalarVolumeNode()
    mrml.scene.AddNode(node)
    storage = mrml.slicer.vtkMRMLVolumeArchetypeStorageNode()
    storage.SetFileName(str(folder / "image.nii.gz"))
    assert storage.ReadData(node)
    labels, geometry = read_labels(folder / "expert.nii.gz")
    (box,) = BoxPrompt.from_labels(labels, per="label")
    ras = geometry.ras_from_ijk(box.corners_ijk)
    placed = np.eye(4)
    placed[:3, 3] = ras.mean(axis=0)
    roi = add_roi(mrml, placed, tuple(np.ptp(ras, axis=0)))
    files = [tmp_path / name for name in ("image.nrrd", "box.mrk.json", "result.seg.nrrd")]
    mrml.helpers.exportVolume(node, files[0])
    mrml.helpers.exportRoi(roi, node, files[1])
    done = subprocess.run(
        [command.pythonExecutable(), *command.segmentArguments(*files, quality="fast")],
        env=command.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    report = command.readReport(done.stdout)
    assert len(report["lesions"]) == 1
    segmenter = Segmenter(load_model(bundled_model_path()), device="cpu")
    segmenter.set_volume(read_volume(folder / "image.nii.gz"))
    expected = segmenter.segment(box, SegmentOptions(quality="fast")).full_mask()
    found = sitk.GetArrayFromImage(sitk.ReadImage(str(files[2])))
    assert np.count_nonzero(found != expected) <= 2  # rounding of the ROI's millimetres
    output = mrml.slicer.vtkMRMLSegmentationNode()
    mrml.scene.AddNode(output)
    assert len(mrml.helpers.importSegments(files[2], node, output)) == 1


def test_a_report_that_is_none_is_told(module_path: Path) -> None:
    from MASAMSlicerLib import command

    assert command.readReport(json.dumps({"lesions": []})) == {"lesions": []}
    with pytest.raises(RuntimeError, match="no result: Traceback"):
        command.readReport("Traceback ...")
