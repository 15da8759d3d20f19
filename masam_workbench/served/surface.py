"""The closed surface of a mask, as a mesh in the MZ3 format of Surf Ice and NiiVue."""

from __future__ import annotations

import gzip
import struct

import numpy as np
from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
from vtkmodules.vtkCommonDataModel import vtkImageData, vtkPolyData
from vtkmodules.vtkFiltersCore import (
    vtkDecimatePro,
    vtkFlyingEdges3D,
    vtkWindowedSincPolyDataFilter,
)

from masam_core.image.geometry import Geometry
from masam_workbench.served.masks import ServedMask

MOST_VOXELS = 4_000_000  # a larger crop is thinned out first
MOST_TRIANGLES = 120_000
PASSES, BAND = 15, 0.1  # of smoothing: as Slicer's own for segments
_MAGIC, _FACES, _POINTS = 0x5A4D, 1, 2


def surfaceOf(mask: ServedMask, geometry: Geometry) -> tuple[np.ndarray, np.ndarray]:
    """Make the smoothed closed surface of a mask.

    Args:
        mask: on the volume's grid.
        geometry: of the volume.

    Returns:
        Points (n, 3) in RAS mm, and triangles (m, 3) of their numbers, seen from outside counted
        anticlockwise; both are empty where the mask is.
    """
    if not mask.array.any():
        return np.zeros((0, 3), np.float32), np.zeros((0, 3), np.int32)
    step = max(1, int(np.ceil((mask.array.size / MOST_VOXELS) ** (1 / 3))))
    padded = np.pad(mask.array[::step, ::step, ::step], 1).astype(np.float32)
    depth, rows, cols = padded.shape
    image = vtkImageData()
    image.SetDimensions(cols, rows, depth)
    image.GetPointData().SetScalars(numpy_to_vtk(padded.reshape(-1), deep=True))
    edges = vtkFlyingEdges3D()
    edges.SetInputData(image)
    edges.SetValue(0, 0.5)
    edges.ComputeNormalsOff()
    edges.ComputeGradientsOff()
    edges.Update()
    found = _smooth(_thin(edges.GetOutput()))
    index = vtk_to_numpy(found.GetPoints().GetData()).astype(np.float64)
    ijk = (index - 1) * step + np.array(mask.extent[:3])
    triangles = vtk_to_numpy(found.GetPolys().GetConnectivityArray()).reshape(-1, 3)
    points = geometry.ras_from_ijk(ijk)
    if np.linalg.det(geometry.ijk_to_ras[:3, :3]) < 0:  # else inside out
        triangles = triangles[:, ::-1]
    return points.astype(np.float32), np.ascontiguousarray(triangles, np.int32)


def mz3(points: np.ndarray, triangles: np.ndarray) -> bytes:
    """A mesh in the MZ3 format (https://github.com/neurolabusc/surf-ice/tree/master/mz3)."""
    head = struct.pack("<HHIII", _MAGIC, _FACES | _POINTS, len(triangles), len(points), 0)
    body = triangles.astype("<i4").tobytes() + points.astype("<f4").tobytes()
    return gzip.compress(head + body, 1, mtime=0)


def _thin(mesh: vtkPolyData) -> vtkPolyData:
    count = mesh.GetNumberOfPolys()
    if count <= MOST_TRIANGLES:
        return mesh
    fewer = vtkDecimatePro()
    fewer.SetInputData(mesh)
    fewer.SetTargetReduction(1 - MOST_TRIANGLES / count)
    fewer.PreserveTopologyOn()
    fewer.Update()
    return fewer.GetOutput()


def _smooth(mesh: vtkPolyData) -> vtkPolyData:
    smooth = vtkWindowedSincPolyDataFilter()
    smooth.SetInputData(mesh)
    smooth.SetNumberOfIterations(PASSES)
    smooth.SetPassBand(BAND)
    smooth.BoundarySmoothingOff()
    smooth.FeatureEdgeSmoothingOff()
    smooth.NonManifoldSmoothingOn()
    smooth.NormalizeCoordinatesOn()
    smooth.Update()
    return smooth.GetOutput()
