"""MASAM in 3D Slicer: a volume and a box in, a segment out. A first, thin panel."""

import shutil
import tempfile
from pathlib import Path

import qt
import slicer
from MASAMSlicerLib import command
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)


class MASAMSlicer(ScriptedLoadableModule):
    """What Slicer shows of the module."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = _("MASAM")
        parent.categories = [translate("qSlicerAbstractCoreModule", "Segmentation")]
        parent.dependencies = []
        parent.contributors = ["The MASAM developers"]
        parent.helpText = _(
            "Outlines a tumour in 3D from a tight box. Draw a ROI whose six sides touch the "
            "lesion and press Segment. Research use, not for clinical decisions."
        )
        parent.acknowledgementText = _(
            "MA-SAM: Chen et al., Medical Image Analysis 98, 2024, 103310."
        )


class MASAMSlicerWidget(ScriptedLoadableModuleWidget):
    """The panel."""

    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        panel = slicer.util.loadUI(self.resourcePath("UI/MASAMSlicer.ui"))
        self.layout.addWidget(panel)
        self.ui = slicer.util.childWidgetVariables(panel)
        panel.setMRMLScene(slicer.mrmlScene)
        self.logic = MASAMSlicerLogic()
        self.process = None
        self.ui.segmentButton.clicked.connect(self.onSegment)
        for selector in (self.ui.volumeSelector, self.ui.roiSelector):
            selector.connect("currentNodeChanged(vtkMRMLNode*)", self.updateButton)
        self.updateButton()

    def cleanup(self):
        self.cancel()

    def updateButton(self, _node=None):
        """The button is enabled when it can do something; otherwise it says what is missing."""
        if self.process is not None:
            return
        problem = ""
        if self.ui.volumeSelector.currentNode() is None:
            problem = _("Choose a volume first.")
        elif self.ui.roiSelector.currentNode() is None:
            problem = _("Choose or draw a ROI first.")
        elif command.missingPackages():
            problem = _(
                "Missing in Slicer's Python: {packages}. Install the PyTorch extension, then "
                "'pip_install' the rest in the Python console."
            ).format(packages=", ".join(command.missingPackages()))
        self.ui.segmentButton.text = _("Segment")
        self.ui.segmentButton.enabled = not problem
        self.ui.segmentButton.toolTip = problem or _("Outline the lesion in the box.")

    def onSegment(self):
        if self.process is not None:
            self.cancel()
            return
        with slicer.util.tryWithErrorDisplay(_("The segmentation could not be started.")):
            volume, roi = self.ui.volumeSelector.currentNode(), self.ui.roiSelector.currentNode()
            arguments = self.logic.prepare(volume, roi)
            self.process = qt.QProcess()
            environment = qt.QProcessEnvironment.systemEnvironment()
            for name, value in command.environment().items():
                environment.insert(name, value)
            self.process.setProcessEnvironment(environment)
            self.process.connect("finished(int,QProcess::ExitStatus)", self.onFinished)
            self.process.start(command.pythonExecutable(), arguments)
            self.ui.segmentButton.text = _("Cancel")
            self.ui.statusLabel.text = _("Segmenting ...")

    def onFinished(self, code, _status):
        process, self.process = self.process, None
        if process is None:
            return
        with slicer.util.tryWithErrorDisplay(_("The segmentation failed.")):
            try:
                if code != 0:
                    message = bytes(process.readAllStandardError().data()).decode(errors="replace")
                    self.ui.statusLabel.text = message.strip()
                    raise RuntimeError(message.strip() or _("The process ended without a word."))
                report = command.readReport(
                    bytes(process.readAllStandardOutput().data()).decode(errors="replace")
                )
                self.logic.finish(self.ui.outputSelector.currentNode())
                self.ui.outputSelector.setCurrentNode(self.logic.outputNode)
                self.ui.statusLabel.text = describe(report)
            finally:
                self.logic.forget()
                self.updateButton()

    def cancel(self):
        """End the process; the scene is as it was."""
        process, self.process = self.process, None
        if process is not None:
            process.kill()
            process.waitForFinished(2000)
            self.logic.forget()
            self.ui.statusLabel.text = _("Cancelled.")
            self.updateButton()


def describe(report):
    """One line on the first lesion of a report."""
    lesion = report["lesions"][0]
    if not lesion["voxels"]:
        return _("Nothing was found in this box.")
    return _("{volume:.1f} ml, {longest:.1f} x {across:.1f} mm").format(
        volume=lesion["volume_ml"],
        longest=lesion["longest_diameter_mm"],
        across=lesion["perpendicular_diameter_mm"],
    )


class MASAMSlicerLogic(ScriptedLoadableModuleLogic):
    """One segmentation: files for the process, and its result into the scene."""

    def __init__(self):
        ScriptedLoadableModuleLogic.__init__(self)
        self.folder = None
        self.volumeNode = None
        self.outputNode = None

    def prepare(self, volumeNode, roiNode):
        """Write volume and box into a temporary folder; returns the process's arguments.

        Raises:
            ValueError: what can't be segmented, and what to do about it.
        """
        from MASAMSlicerLib import scene

        self.forget()
        self.folder = Path(tempfile.mkdtemp(prefix="masam-"))
        self.volumeNode = volumeNode
        image, roi = self.folder / "image.nrrd", self.folder / "box.mrk.json"
        try:
            scene.exportVolume(volumeNode, image)
            scene.exportRoi(roiNode, volumeNode, roi)
        except Exception:
            self.forget()
            raise
        return command.segmentArguments(image, roi, self.folder / "result.seg.nrrd")

    def finish(self, outputNode=None):
        """Add the result to a segmentation, a new one where none is given; returns segment IDs."""
        from MASAMSlicerLib import scene

        if self.folder is None:
            raise RuntimeError(_("There is no segmentation to finish."))
        if outputNode is None:
            name = _("{volume} segmentation").format(volume=self.volumeNode.GetName())
            outputNode = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
            outputNode.CreateDefaultDisplayNodes()
        self.outputNode = outputNode
        return scene.importSegments(self.folder / "result.seg.nrrd", self.volumeNode, outputNode)

    def forget(self):
        """Remove the temporary files."""
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
        self.folder = None


class MASAMSlicerTest(ScriptedLoadableModuleTest):
    """Runs in Slicer, by ctest or Reload & Test."""

    def setUp(self):
        slicer.mrmlScene.Clear()

    def test_boxOnSyntheticTumour(self):
        """A bright ball is segmented inside its box and nowhere else."""
        import subprocess

        import numpy as np

        if command.missingPackages():
            self.delayDisplay(f"Skipped: {', '.join(command.missingPackages())} not installed")
            return
        k, j, i = np.indices((24, 60, 64))
        ball = (i - 30) ** 2 + (j - 28) ** 2 + (2.5 * (k - 12)) ** 2 < 15**2
        volume = slicer.util.addVolumeFromArray((100 + 300 * ball).astype(np.int16), name="Ball")
        volume.SetSpacing(1.0, 1.0, 2.5)
        roi = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "Ball box")
        roi.SetCenter(30.0, 28.0, 30.0)
        roi.SetSize(31.0, 31.0, 32.5)
        logic = MASAMSlicerLogic()
        try:
            done = subprocess.run(
                [command.pythonExecutable(), *logic.prepare(volume, roi)],
                env=command.environment(),
                capture_output=True,
                text=True,
                check=False,
            )
            self.assertEqual(done.returncode, 0, done.stderr)
            (segmentId,) = logic.finish()
        finally:
            logic.forget()
        mask = slicer.util.arrayFromSegmentBinaryLabelmap(logic.outputNode, segmentId, volume) > 0
        self.assertGreater(2 * (mask & ball).sum() / (mask.sum() + ball.sum()), 0.8)
        self.assertEqual(logic.outputNode.GetSegmentation().GetNumberOfSegments(), 1)
