"""The module's self-tests: masks and geometry, with a real worker and the bundled model.

``MASAMSlicerTest`` in MASAMSlicer.py makes them a test case; the same methods run by ctest, by
Reload & Test, and under pytest on slicer-core.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import slicer
import vtk

from . import workerprocess
from .scene.promptnodes import POINT, Prompt, writePrompts
from .scene.transforms import arrayToMatrix, matrixToArray
from .scene.volumes import geometryOf

SHAPE = (22, 60, 64)  # K, J, I
CENTRE, RADII = (31.0, 28.0, 10.0), (13.0, 11.0, 4.0)  # i, j, k, voxels


if TYPE_CHECKING:
    import unittest

    class _Base(unittest.TestCase):
        def runTest(self) -> None: ...
else:
    _Base = object  # MASAMSlicerTest adds Slicer's test case


class SelfTests(_Base):
    """Methods of a unittest.TestCase."""

    session: Any = None
    _address: tuple[str, str] | None = None  # URL and root directory of the user's scene

    def runTest(self) -> None:
        """Every test, as Reload & Test runs them; Slicer tidies up only after those that pass."""
        try:
            super().runTest()
        finally:
            self._restoreAddress()
            self.tearDownClass()

    def setUp(self) -> None:
        """An empty scene, and one worker for all tests."""
        missing = workerprocess.missingForWorker()
        if missing:
            self.skipTest(f"Not installed in this Python: {', '.join(missing)}")
        from .blocking import BlockingSession

        scene = slicer.mrmlScene
        self._address = scene.GetURL(), scene.GetRootDirectory()
        if SelfTests.session is not None:
            SelfTests.session.sceneClosed()
        slicer.mrmlScene.Clear()
        if SelfTests.session is None or SelfTests.session.scene is not slicer.mrmlScene:
            SelfTests.session = BlockingSession(slicer.mrmlScene)

    def tearDown(self) -> None:
        """Give the scene its address back: a bundle that is written or read changes it."""
        self._restoreAddress()

    @classmethod
    def tearDownClass(cls) -> None:
        """End the worker."""
        if SelfTests.session is not None:
            SelfTests.session.close()
            SelfTests.session = None

    def _restoreAddress(self) -> None:
        if self._address is not None:
            slicer.mrmlScene.SetURL(self._address[0])
            slicer.mrmlScene.SetRootDirectory(self._address[1])
            self._address = None

    def test_boxOnSyntheticTumour(self) -> None:
        """A bright ellipsoid is found, in its box alone, and measured."""
        volume, truth = addVolume()
        lesion = self.session.lesions.add(volume, None, addRoi(volume))
        report = self.session.segmentNow([lesion.id])
        self.assertEqual([x.error for x in report.lesions], [""])
        lesion = self.session.lesions.lesion(lesion.id)
        mask = fullMask(lesion)
        self.assertGreater(dice(mask, truth), 0.85)
        self.assertFalse((mask & ~inBox()).any())
        spacing = np.array(volume.GetSpacing())
        self.assertAlmostEqual(
            lesion.provenance.measurements["volume_ml"],
            mask.sum() * spacing.prod() / 1000,
            places=6,
        )
        self.assertEqual(lesion.status, "segmented")
        self.assertIn("4147007", lesion.terminology)
        self.assertEqual(lesion.provenance.volumeHash, volumeHash(volume))

    def test_correctionByAClick(self) -> None:
        """A click changes the mask, and undo takes both back."""
        volume, _ = addVolume()
        lesion = self.session.lesions.add(volume, None, addRoi(volume))
        self.session.segmentNow([lesion.id], options=fast())
        before = fullMask(self.session.lesions.lesion(lesion.id))
        k, j, i = np.argwhere(before)[0]
        (place,) = geometryOf(volume).lps_from_ijk(np.array([[i, j, k]], dtype=float))
        click = Prompt.new(POINT, place[None], positive=False)
        writePrompts(slicer.mrmlScene, lesion.id, volume, [click])
        self.assertEqual(self.session.lesions.lesion(lesion.id).status, "box changed")
        report = self.session.segmentNow([lesion.id], options=fast())
        self.assertEqual([x.error for x in report.lesions], [""])
        corrected = self.session.lesions.lesion(lesion.id)
        self.assertFalse(fullMask(corrected)[k, j, i])
        self.assertEqual(corrected.status, "segmented")
        self.session.history.undo()
        lesion = self.session.lesions.lesion(lesion.id)
        self.assertTrue((fullMask(lesion) == before).all())
        self.assertEqual((lesion.prompts, lesion.status), ((), "segmented"))

    def test_obliqueFlippedAnisotropicVolumes(self) -> None:
        """The same voxels are found however the grid lies in space."""
        masks = []
        for matrix in GRIDS:
            slicer.mrmlScene.Clear()
            self.session.sceneClosed()
            volume, truth = addVolume(matrix)
            lesion = self.session.lesions.add(volume, None, addRoi(volume))
            self.session.segmentNow([lesion.id], options=fast())
            lesion = self.session.lesions.lesion(lesion.id)
            masks.append(fullMask(lesion))
            self.assertGreater(dice(masks[-1], truth), 0.8)
            self.assertFalse((masks[-1] & ~inBox()).any())
        # Turned by less than half a right angle, the network sees the same picture.
        self.assertGreater(dice(masks[0], masks[1]), 0.99)

    def test_transformedVolume(self) -> None:
        """Masks are the same under a transform, linear or not, and lie where the volume lies."""
        volume, _ = addVolume()
        roi = addRoi(volume)
        lesion = self.session.lesions.add(volume, None, roi)
        self.session.segmentNow([lesion.id], options=fast())
        plain = fullMask(self.session.lesions.lesion(lesion.id))
        for make in (addLinearTransform, addWarp):
            slicer.mrmlScene.Clear()
            self.session.sceneClosed()
            volume, _ = addVolume()
            transform = make()
            volume.SetAndObserveTransformNodeID(transform.GetID())
            roi = addRoi(volume)  # corners in the volume's own space ...
            roi.SetAndObserveTransformNodeID(transform.GetID())  # ... and moved along with it
            lesion = self.session.lesions.add(volume, None, roi)
            report = self.session.segmentNow([lesion.id], options=fast())
            self.assertEqual([x.error for x in report.lesions], [""])
            lesion = self.session.lesions.lesion(lesion.id)
            self.assertGreater(dice(fullMask(lesion), plain), 0.97)
            self.assertEqual(lesion.segmentation.GetTransformNodeID(), transform.GetID())

    def test_rotatedRoi(self) -> None:
        """Nothing outside a rotated box is ever set."""
        volume, truth = addVolume()
        turn = rotation(0, 0, 30)
        roi = addRoi(volume, turn=turn)
        lesion = self.session.lesions.add(volume, None, roi)
        self.session.segmentNow([lesion.id], options=fast())
        mask = fullMask(self.session.lesions.lesion(lesion.id))
        self.assertGreater(dice(mask, truth), 0.6)
        k, j, i = np.nonzero(mask)
        world = matrixOf(volume) @ np.stack([i, j, k, np.ones_like(i)])
        own = np.linalg.inv(matrixToArray(roi.GetObjectToWorldMatrix())) @ world
        reach = np.abs(own[:3]).max(axis=1)
        # A slice is segmented in the rectangle around its cut with the box: half a slice more
        # across, and in the plane up to the corners of the rectangle.
        self.assertLessEqual(reach[2], roi.GetSize()[2] / 2 + 1e-6)
        corners = np.abs(matrixToArray(roi.GetObjectToWorldMatrix())[:3, :3]) @ roi.GetSize() / 2
        centre = np.array(roi.GetCenter())
        self.assertTrue((np.abs(world[:3].T - centre) <= corners + 1e-6).all())

    def test_severalLesions(self) -> None:
        """Three boxes give three segments in one segmentation; one that fails stops no other."""
        volume, truth = addVolume()
        first = self.session.lesions.add(volume, None, addRoi(volume))
        second = self.session.lesions.add(volume, None, addRoi(volume, grow=4.0))
        outside = addRoi(volume)
        outside.SetCenter(5000.0, 0.0, 0.0)
        third = self.session.lesions.add(volume, None, outside)
        report = self.session.segmentNow([first.id, second.id, third.id], options=fast())
        self.assertEqual([bool(x.error) for x in report.lesions], [False, False, True])
        self.assertIn("outside the volume", report.lesions[2].error)
        found = [self.session.lesions.lesion(x.id) for x in (first, second)]
        self.assertIs(found[0].segmentation, found[1].segmentation)
        self.assertEqual(found[0].segmentation.GetSegmentation().GetNumberOfSegments(), 2)
        for lesion in found:
            self.assertGreater(dice(fullMask(lesion), truth), 0.75)
        self.assertNotEqual(found[0].color, found[1].color)

    def test_neighboursAndLockedSegmentsUntouched(self) -> None:
        """Segments that are there keep every voxel, also where the new one overlaps them."""
        volume, truth = addVolume()
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Work")
        node.CreateDefaultDisplayNodes()
        node.SetReferenceImageGeometryParameterFromVolumeNode(volume)
        ids = [node.GetSegmentation().AddEmptySegment(name, name) for name in ("a", "b")]
        before = []
        for number, segmentId in enumerate(ids):
            block = np.zeros(SHAPE, np.uint8)
            block[8:12, 20 + 10 * number : 28 + 10 * number, 20:50] = 1
            slicer.util.updateSegmentBinaryLabelmapFromArray(block, node, segmentId, volume)
            before.append(block.astype(bool))
        lesion = self.session.lesions.add(volume, node, addRoi(volume))
        for _ in range(2):
            self.session.segmentNow([lesion.id], options=fast(), segmentationNode=node)
            for segmentId, expected in zip(ids, before, strict=True):
                array = slicer.util.arrayFromSegmentBinaryLabelmap(node, segmentId, volume)
                self.assertTrue(np.array_equal(array > 0, expected))
        lesion = self.session.lesions.lesion(lesion.id)
        self.assertGreater(dice(fullMask(lesion), truth), 0.85)
        mask = fullMask(lesion)
        self.session.lesions.setLocked(lesion, True)
        lesion.roi.SetSize(10.0, 10.0, 10.0)
        report = self.session.segmentNow([lesion.id], options=fast())
        self.assertIn("locked", report.lesions[0].error)
        self.assertTrue(np.array_equal(fullMask(self.session.lesions.lesion(lesion.id)), mask))

    def test_undoRedo(self) -> None:
        """Undo gives back what was there, voxel by voxel, and leaves work by hand alone."""
        volume, _ = addVolume()
        lesion = self.session.lesions.add(volume, None, addRoi(volume))
        self.session.segmentNow([lesion.id], options=fast())
        first = fullMask(self.session.lesions.lesion(lesion.id))
        lesion.roi.SetSize(*(0.7 * np.array(lesion.roi.GetSize())))
        self.session.segmentNow([lesion.id], options=fast())
        second = fullMask(self.session.lesions.lesion(lesion.id))
        self.assertFalse(np.array_equal(first, second))
        node = self.session.lesions.lesion(lesion.id).segmentation
        byHand = node.GetSegmentation().AddEmptySegment("hand", "by hand")
        block = np.zeros(SHAPE, np.uint8)
        block[2:4, 2:9, 3:8] = 1
        slicer.util.updateSegmentBinaryLabelmapFromArray(block, node, byHand, volume)
        history = self.session.history
        self.assertTrue(history.undo())
        self.assertTrue(np.array_equal(fullMask(self.session.lesions.lesion(lesion.id)), first))
        # The box that belongs to it has come back with it.
        self.assertEqual(self.session.lesions.lesion(lesion.id).status, "segmented")
        self.assertTrue(history.redo())
        self.assertEqual(self.session.lesions.lesion(lesion.id).status, "segmented")
        self.assertTrue(np.array_equal(fullMask(self.session.lesions.lesion(lesion.id)), second))
        history.undo()
        history.undo()
        self.assertEqual(self.session.lesions.lesion(lesion.id).status, "not segmented")
        self.assertEqual(history.undo(), "")
        history.redo()
        self.assertTrue(np.array_equal(fullMask(self.session.lesions.lesion(lesion.id)), first))
        array = slicer.util.arrayFromSegmentBinaryLabelmap(node, byHand, volume)
        self.assertTrue(np.array_equal(array, block))

    def test_cancel(self) -> None:
        """A cancelled run leaves no trace in the scene, and the next one works."""
        from masam_core.errors import Cancelled
        from masam_core.inference.options import SegmentOptions
        from masam_core.inference.quality import Quality
        from masam_core.worker.steps import ModelChoice

        volume, _ = addVolume()
        lesion = self.session.lesions.add(volume, None, addRoi(volume))
        before = nodeNames()
        errors: list[Exception] = []
        self.session.segment(
            [lesion.id],
            ModelChoice(),
            SegmentOptions(quality=Quality.BEST),
            lambda fraction, text: self.session.cancel() if fraction > 0 else None,
            lambda report: self.fail("It was not cancelled"),
            errors.append,
        )
        self.session.wait(120)
        self.assertIsInstance(errors[0], Cancelled)
        self.assertEqual(nodeNames(), before)
        self.assertEqual(self.session.states, {})
        self.assertEqual(self.session.history.undoTitle, "")
        self.session.segmentNow([lesion.id], options=fast())
        self.assertEqual(self.session.lesions.lesion(lesion.id).status, "segmented")

    def test_sceneClosedDuringRun(self) -> None:
        """Closing the scene in the middle of a run is safe."""
        from masam_core.errors import Cancelled
        from masam_core.inference.options import SegmentOptions
        from masam_core.worker.steps import ModelChoice

        volume, _ = addVolume()
        lesion = self.session.lesions.add(volume, None, addRoi(volume))
        errors: list[Exception] = []
        reports: list[Any] = []
        self.session.segment(
            [lesion.id],
            ModelChoice(),
            SegmentOptions(),
            lambda *_: None,
            reports.append,
            errors.append,
        )
        self.session.sceneClosed()
        slicer.mrmlScene.Clear()
        self.session.wait(60)
        self.assertIsInstance(errors[0], Cancelled)
        self.assertEqual(reports, [])
        self.assertEqual(nodeNames(), [])

    def test_workerKilled(self) -> None:
        """A worker that is killed is reported; nothing has changed, and the next run works."""
        from masam_core.inference.options import SegmentOptions
        from masam_core.inference.quality import Quality
        from masam_core.process_tree import kill_tree
        from masam_core.worker.client import WorkerError
        from masam_core.worker.steps import ModelChoice

        volume, _ = addVolume()
        lesion = self.session.lesions.add(volume, None, addRoi(volume))
        before = nodeNames()
        errors: list[Exception] = []

        def kill(fraction: float, _text: str) -> None:
            process = self.session.transport.process
            if fraction > 0 and process.poll() is None:
                kill_tree(process.pid)  # PythonSlicer is a launcher: the Python below it, too

        self.session.segment(
            [lesion.id],
            ModelChoice(),
            SegmentOptions(quality=Quality.BEST),
            kill,
            lambda report: self.fail("It was not killed"),
            errors.append,
        )
        self.session.wait(120)
        self.assertIsInstance(errors[0], WorkerError)
        self.assertIn("ended unexpectedly", str(errors[0]))
        self.assertEqual(nodeNames(), before)
        self.session.segmentNow([lesion.id], options=fast())
        self.assertEqual(self.session.lesions.lesion(lesion.id).status, "segmented")

    def test_batchWithOneBrokenCase(self) -> None:
        """A colour image among three volumes fails by itself; a second run takes up only it."""
        from masam_core.inference.options import SegmentOptions
        from masam_core.inference.quality import Quality
        from masam_core.worker.steps import ModelChoice

        from .batch import VolumeBatch, findCases
        from .scene.pairing import BY_NAME

        volumes = []
        for name in ("case1", "case2", "case10"):
            volume, _ = addVolume(name=name)
            roi = addRoi(volume)
            roi.SetName(f"{name} box")
            volumes.append(volume)
        makeColour(volumes[1])
        batch = VolumeBatch(self.session, findCases(self.session, volumes, BY_NAME))
        self.assertEqual([len(case.lesionIds) for case in batch.cases.values()], [1, 1, 1])
        ended: list[int] = []
        batch.start(
            ModelChoice(),
            SegmentOptions(quality=Quality.FAST),
            lambda _: None,
            lambda: ended.append(1),
        )
        while not ended:
            self.session.wait(120)
        rows = {row[0]: row[1:] for row in batch.queue.table()}
        self.assertEqual([rows[n][0] for n in ("case1", "case2", "case10")], DONE_FAILED_DONE)
        self.assertIn("values per voxel", rows["case2"][1])
        self.assertEqual([row["image"] for row in batch.rows()], ["case1", "case10"])
        for lesion in self.session.lesions.lesions(volumes[2]):
            self.assertEqual(lesion.segmentation.GetSegmentation().GetNumberOfSegments(), 1)

    def test_allFramesOfASequence(self) -> None:
        """Each frame gets a segment of its own; without the wish, only the frame that is shown."""
        volume, truth = addVolume()
        sequence = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceNode", "Times")
        for number in range(3):
            frame = slicer.vtkMRMLScalarVolumeNode()
            array = np.array(slicer.util.arrayFromVolume(volume))
            array[truth] -= 40 * number
            slicer.util.updateVolumeFromArray(frame, array)
            frame.SetIJKToRASMatrix(arrayToMatrix(GRIDS[0]))
            sequence.SetDataNodeAtValue(frame, str(number))
        browser = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceBrowserNode", "Browser")
        browser.SetAndObserveMasterSequenceNodeID(sequence.GetID())
        browser.AddProxyNode(volume, sequence, False)
        lesion = self.session.lesions.add(volume, None, addRoi(volume))
        self.session.segmentNow([lesion.id], options=fast())
        segmentation = self.session.lesions.lesion(lesion.id).segmentation.GetSegmentation()
        self.assertEqual(segmentation.GetNumberOfSegments(), 1)
        for _ in range(2):  # again: the same segments, not more
            self.session.segmentNow([lesion.id], options=fast(), allFrames=True)
            self.assertEqual(segmentation.GetNumberOfSegments(), 3)
        lesion = self.session.lesions.lesion(lesion.id)
        self.assertEqual(len(self.session.lesions.lesions(volume)), 1)
        for segmentId in segmentation.GetSegmentIDs():
            array = slicer.util.arrayFromSegmentBinaryLabelmap(
                lesion.segmentation, segmentId, volume
            )
            self.assertGreater(dice(array > 0, truth), 0.75)
        self.assertTrue(self.session.history.undo())
        self.assertTrue(self.session.history.undo())
        self.assertEqual(segmentation.GetNumberOfSegments(), 1)

    def test_saveLoadRerun(self) -> None:
        """A scene saved and loaded knows its lesions, and gives the same masks again."""
        volume, _ = addVolume(matrix=GRIDS[1])
        lesion = self.session.lesions.add(volume, None, addRoi(volume), "Mitte | links: Ä")
        self.session.lesions.rename(lesion, "Mitte | links: Ä")
        self.session.segmentNow([lesion.id], options=fast())
        before = self.session.lesions.lesion(lesion.id)
        mask = fullMask(before)
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "scene.mrb")
            self.assertTrue(slicer.mrmlScene.WriteToMRB(path))
            self.session.sceneClosed()
            slicer.mrmlScene.Clear()
            self.assertTrue(slicer.mrmlScene.ReadFromMRB(path))
        after = self.session.lesions.lesion(lesion.id)
        self.assertEqual(after.name, "Mitte | links: Ä")
        self.assertEqual(after.status, "segmented")
        self.assertTrue(np.array_equal(fullMask(after), mask))
        self.assertEqual(after.provenance.tags(), before.provenance.tags())
        self.session.segmentNow([after.id], options=fast())
        self.assertTrue(np.array_equal(fullMask(self.session.lesions.lesion(after.id)), mask))
        # Without its ROI the box in the tags is used.
        slicer.mrmlScene.RemoveNode(after.roi)
        self.session.segmentNow([after.id], options=fast())
        again = self.session.lesions.lesion(after.id)
        self.assertIsNone(again.roi)
        self.assertGreater(dice(fullMask(again), mask), 0.995)


DONE_FAILED_DONE = ["done", "failed", "done"]


def rotation(x: float, y: float, z: float) -> np.ndarray:
    """(3, 3), degrees about x, then y, then z."""
    transform = vtk.vtkTransform()
    for angle, axis in zip((z, y, x), ("RotateZ", "RotateY", "RotateX"), strict=True):
        getattr(transform, axis)(angle)
    return matrixToArray(transform.GetMatrix())[:3, :3]


def _grid(turn: np.ndarray, spacing: tuple[float, float, float], order: Any = None) -> np.ndarray:
    matrix = np.eye(4)
    axes = turn if order is None else turn[:, order]
    matrix[:3, :3] = axes * np.array(spacing)
    matrix[:3, 3] = (-20.0, 35.0, -12.0)
    return matrix


# IJK to RAS: radiological (LPS), oblique, flipped, left-handed with sagittal slices.
GRIDS = (
    _grid(np.diag([-1.0, -1.0, 1.0]), (1.0, 1.0, 2.5)),
    _grid(rotation(8, -12, 15) @ np.diag([-1.0, -1.0, 1.0]), (1.0, 1.0, 2.5)),
    _grid(np.diag([1.0, 1.0, -1.0]), (0.8, 1.1, 3.0)),
    _grid(np.array([[0.0, 0.0, -1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]), (1.0, 1.0, 4.0)),
)


def addVolume(matrix: np.ndarray | None = None, name: str = "Scan") -> tuple[Any, np.ndarray]:
    """A noisy MR-like volume with a bright ellipsoid; its node and the ellipsoid (bool KJI)."""
    k, j, i = np.indices(SHAPE)
    truth = sum(((x - c) / r) ** 2 for x, c, r in zip((i, j, k), CENTRE, RADII, strict=True)) <= 1
    rng = np.random.default_rng(4)
    array = 120 + 12 * rng.standard_normal(SHAPE) + 190 * truth
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    slicer.util.updateVolumeFromArray(node, array.astype(np.int16))
    node.SetIJKToRASMatrix(arrayToMatrix(GRIDS[0] if matrix is None else matrix))
    return node, truth


def addRoi(volumeNode: Any, turn: np.ndarray | None = None, grow: float = 0.0) -> Any:
    """The tight box of the ellipsoid, in the volume's own space; turned and grown if asked."""
    matrix = matrixOf(volumeNode)
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "Box")
    spacing = np.linalg.norm(matrix[:3, :3], axis=0)
    objectToNode = np.eye(4)
    objectToNode[:3, :3] = (matrix[:3, :3] / spacing) @ (np.eye(3) if turn is None else turn)
    if np.linalg.det(objectToNode[:3, :3]) < 0:
        objectToNode[:3, 0] *= -1  # the same box; a ROI has right-handed axes
    objectToNode[:3, 3] = (matrix @ np.array([*CENTRE, 1.0]))[:3]
    node.SetAndObserveObjectToNodeMatrix(arrayToMatrix(objectToNode))
    node.SetSize(*((2 * np.array(RADII) + 1) * spacing + grow))
    return node


def addLinearTransform() -> Any:
    """A turn and a shift."""
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Moved")
    matrix = np.eye(4)
    matrix[:3, :3] = rotation(20, -35, 50)
    matrix[:3, 3] = (40.0, -15.0, 60.0)
    node.SetMatrixTransformToParent(arrayToMatrix(matrix))
    return node


def addWarp() -> Any:
    """A gentle thin-plate spline, so not linear."""
    source, target = vtk.vtkPoints(), vtk.vtkPoints()
    rng = np.random.default_rng(2)
    for corner in np.indices((3, 3, 3)).reshape(3, -1).T:
        point = np.array([-90.0, -40.0, -20.0]) + corner * np.array([55.0, 45.0, 40.0])
        source.InsertNextPoint(*point)
        target.InsertNextPoint(*(point + rng.uniform(-4, 4, 3)))
    spline = vtk.vtkThinPlateSplineTransform()
    spline.SetBasisToR()
    spline.SetSourceLandmarks(source)
    spline.SetTargetLandmarks(target)
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode", "Warp")
    node.SetAndObserveTransformToParent(spline)
    return node


def makeColour(volumeNode: Any) -> None:
    """Turn a volume into one with three values per voxel."""
    image = vtk.vtkImageData()
    image.SetDimensions(*SHAPE[::-1])
    image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 3)
    volumeNode.SetAndObserveImageData(image)


def matrixOf(volumeNode: Any) -> np.ndarray:
    """(4, 4) IJK to the volume's own RAS."""
    matrix = vtk.vtkMatrix4x4()
    volumeNode.GetIJKToRASMatrix(matrix)
    return matrixToArray(matrix)


def inBox() -> np.ndarray:
    """The voxels of the tight box, bool KJI, from its definition."""
    k, j, i = np.indices(SHAPE)
    box = np.ones(SHAPE, dtype=bool)
    for x, c, r in zip((i, j, k), CENTRE, RADII, strict=True):
        box &= np.abs(x - c) <= r + 0.5
    return box


def fullMask(lesion: Any) -> np.ndarray:
    """A lesion's segment as bool KJI of its volume, by Slicer's own function."""
    array = slicer.util.arrayFromSegmentBinaryLabelmap(
        lesion.segmentation, lesion.segmentId, lesion.volume
    )
    return np.asarray(array > 0)


def volumeHash(volumeNode: Any) -> str:
    """Content hash of the volume."""
    from .scene.volumes import volumeFromNode

    return volumeFromNode(volumeNode).content_hash


def dice(first: np.ndarray, second: np.ndarray) -> float:
    """Dice of two masks of one shape."""
    return float(2 * (first & second).sum() / (first.sum() + second.sum()))


def fast() -> Any:
    """Settings of a run that looks at each slice once, where the mask is not the matter."""
    from masam_core.inference.options import SegmentOptions
    from masam_core.inference.quality import Quality

    return SegmentOptions(quality=Quality.FAST)


def nodeNames() -> list[str]:
    """Class and name of every node that a user would see."""
    nodes = [slicer.mrmlScene.GetNthNode(n) for n in range(slicer.mrmlScene.GetNumberOfNodes())]
    kinds = ("vtkMRMLSegmentationNode", "vtkMRMLMarkupsROINode", "vtkMRMLScalarVolumeNode")
    return sorted(f"{n.GetClassName()} {n.GetName()}" for n in nodes if n.GetClassName() in kinds)
