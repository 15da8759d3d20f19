"""Small volumes, ROIs and transforms in the scene."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.spatial.transform import Rotation


def rigid(angles: tuple[float, float, float], shift: tuple[float, float, float]) -> np.ndarray:
    """(4, 4) turn about x, y, z in degrees, and shift in mm."""
    out = np.eye(4)
    out[:3, :3] = Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
    out[:3, 3] = shift
    return out


# IJK to RAS of a turned, anisotropic, left-handed grid.
OBLIQUE = rigid((10, -20, 35), (12, -40, 7)) @ np.diag([0.8, -0.9, 2.5, 1.0])


def vtk_matrix(values: np.ndarray) -> Any:
    """A vtkMatrix4x4."""
    import vtk

    matrix = vtk.vtkMatrix4x4()
    matrix.DeepCopy(np.asarray(values, float).reshape(-1).tolist())
    return matrix


class Scene:
    """Makes nodes."""

    def __init__(self, scene: Any) -> None:
        self.scene = scene

    def volume(
        self, array: np.ndarray | None = None, matrix: np.ndarray = OBLIQUE, name: str = "scan"
    ) -> Any:
        """A scalar volume of 12 x 14 x 16 voxels (K, J, I), unless told otherwise."""
        import slicer

        if array is None:
            array = np.random.default_rng(0).integers(0, 500, (12, 14, 16)).astype(np.int16)
        node = self.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
        slicer.util.updateVolumeFromArray(node, array)
        node.SetIJKToRASMatrix(vtk_matrix(matrix))
        return node

    def roi(self, matrix: np.ndarray, size: tuple[float, float, float], name: str = "Box") -> Any:
        """A ROI: object to node, and lengths in mm."""
        node = self.scene.AddNewNodeByClass("vtkMRMLMarkupsROINode", name)
        node.SetAndObserveObjectToNodeMatrix(vtk_matrix(matrix))
        node.SetSize(*size)
        return node

    def put_under(self, node: Any, matrix: np.ndarray) -> Any:
        """A linear transform over a node."""
        transform = self.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "moved")
        transform.SetMatrixTransformToParent(vtk_matrix(matrix))
        node.SetAndObserveTransformNodeID(transform.GetID())
        return transform

    def segmentation(self, volume: Any, *blocks: np.ndarray) -> Any:
        """A segmentation with a segment for each mask (bool KJI of the volume)."""
        import slicer

        node = self.scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "segments")
        node.SetReferenceImageGeometryParameterFromVolumeNode(volume)
        node.SetAndObserveTransformNodeID(volume.GetTransformNodeID())
        for number, block in enumerate(blocks):
            identity = node.GetSegmentation().AddEmptySegment(f"s{number}", f"s{number}")
            slicer.util.updateSegmentBinaryLabelmapFromArray(
                block.astype(np.uint8), node, identity, volume
            )
        node.GetSegmentation().CollapseBinaryLabelmaps(False)  # as Slicer shares them
        return node


@pytest.fixture
def make(scene: Any) -> Scene:
    """Makes nodes in an empty scene."""
    return Scene(scene)


def block(
    k: tuple[int, int], j: tuple[int, int], i: tuple[int, int], shape: Any = (12, 14, 16)
) -> np.ndarray:
    """A bool KJI mask that is true from the first to before the second index."""
    out = np.zeros(shape, dtype=bool)
    out[slice(*k), slice(*j), slice(*i)] = True
    return out
