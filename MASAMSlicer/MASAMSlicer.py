"""MASAM in 3D Slicer: draw a tight 3D box around a lesion, get its segment."""

from __future__ import annotations

from typing import Annotated

import slicer
import vtk
from MASAMSlicerLib.control.front import WARNING
from MASAMSlicerLib.sampledata import registerSampleData
from MASAMSlicerLib.scene.savedsettings import CHOICES, NUMBERS, putRight
from MASAMSlicerLib.selftest import SelfTests
from MASAMSlicerLib.workerprocess import requireSlicersOwn
from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.parameterNodeWrapper import Choice, WithinRange, parameterNodeWrapper
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin

from masam_core.catalog.choice import ModelChoice
from masam_core.inference.options import SegmentOptions
from masam_core.lesion.cleaning_options import PostprocessOptions


class MASAMSlicer(ScriptedLoadableModule):
    """What Slicer shows of the module."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("MASAM")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Segmentation")]
        self.parent.dependencies = []
        self.parent.contributors = ["The MASAM developers"]
        self.parent.helpText = _(
            "Outlines a tumour in 3D. Place a box whose six sides touch the lesion (B) and press "
            "Segment. Research use, not for clinical decisions."
        )
        self.parent.acknowledgementText = _(
            "MA-SAM: Chen et al., Medical Image Analysis 98, 2024, 103310. Segment Anything: "
            "Kirillov et al., 2023."
        )
        slicer.app.connect("startupCompleted()", registerSampleData)


def _number(name):
    """The limits of a setting; a widget without them would get none, or refuse to be bound."""
    limits, _default = NUMBERS[name]
    return WithinRange(limits.low, limits.high)


def _choice(name):
    """The values of a setting that is one of several."""
    known, _default = CHOICES[name]
    return Choice(known)


@parameterNodeWrapper
class MASAMSlicerParameterNode:
    """What is saved with the scene; settings of the machine are in QSettings.

    volume, segmentation - what is segmented, and where new lesions go (None: a new one).
    model - name in the catalogue, or path of a weight file.
    selectedLesion - id of the selected row.
    The rest - settings of ``masam_core.inference.options.SegmentOptions`` and of the panel.
    """

    volume: vtkMRMLScalarVolumeNode
    segmentation: vtkMRMLSegmentationNode
    model: str = ModelChoice.model
    selectedLesion: str = ""
    quality: Annotated[str, _choice("quality")] = CHOICES["quality"][1]
    useThreshold: bool = SegmentOptions.threshold is not None
    threshold: Annotated[float, _number("threshold")] = NUMBERS["threshold"][1]
    marginMm: Annotated[float, _number("marginMm")] = NUMBERS["marginMm"][1]
    keep: Annotated[str, _choice("keep")] = CHOICES["keep"][1]
    fillHoles: bool = PostprocessOptions.fill_holes
    smoothMm: Annotated[float, _number("smoothMm")] = NUMBERS["smoothMm"][1]
    diameterPlane: Annotated[str, _choice("diameterPlane")] = CHOICES["diameterPlane"][1]
    allFrames: bool = False
    liveUpdate: bool = True
    showSurface: bool = True


class MASAMSlicerWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The panel's life in the application; what it does is in MASAMSlicerLib.panel."""

    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = None
        self.panel = None
        self._guiTag = None
        self._parameters = None

    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        requireSlicersOwn()
        self.uiWidget = slicer.util.loadUI(self.resourcePath("UI/MASAMSlicer.ui"))
        self.layout.addWidget(self.uiWidget)
        self.ui = slicer.util.childWidgetVariables(self.uiWidget)
        self.uiWidget.setMRMLScene(slicer.mrmlScene)
        self.logic = MASAMSlicerLogic()
        self.initialize()
        # Last: when the panel can't be made, nothing of the scene may call it.
        scene = slicer.mrmlScene
        self.addObserver(scene, scene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(scene, scene.EndCloseEvent, self.onSceneEndClose)
        self.addObserver(scene, scene.EndImportEvent, self.onSceneEndImport)
        self.addObserver(scene, scene.NodeRemovedEvent, self.onNodeRemoved)
        if self._isShown():  # after Reload, Slicer does not call enter
            self.enter()

    def initialize(self):
        """Bind the panel to the scene's parameter node; make the panel on the first call."""
        from MASAMSlicerLib.panel.panel import Panel, makeTransport
        from MASAMSlicerLib.scene.views import interactionNode

        self._release()
        node = self.logic.getParameterNode()
        notes = putRight(node)
        self._parameters = MASAMSlicerParameterNode(node)
        # Not connectGui: that one does not hand on the tag, without which nothing lets go.
        self._guiTag = self._parameters.connectParametersToGui(
            {
                str(widget.property("SlicerParameterName")): widget
                for widget in vars(self.ui).values()
                if widget.property("SlicerParameterName")
            }
        )
        if self.panel is None:
            session = self.logic.session(makeTransport)
            self.panel = Panel(self.uiWidget, self.ui, session, self._parameters)
        else:
            self.panel.sceneOpened(self._parameters)
        self.addObserver(
            self._parameters.parameterNode, vtk.vtkCommand.ModifiedEvent, self.onModified
        )
        mode = interactionNode(slicer.mrmlScene)
        if not self.hasObserver(mode, mode.InteractionModeChangedEvent, self.onInteractionMode):
            self.addObserver(mode, mode.InteractionModeChangedEvent, self.onInteractionMode)
        if notes:
            self.panel.context.say("\n".join(notes), WARNING)
        self.panel.context.refreshSoon()

    def cleanup(self):
        """Let go of everything, before the module is reloaded and at the end."""
        self._release()
        self.removeObservers()
        if self.panel is not None:
            self.panel.cleanup()
            self.panel = None

    def enter(self):
        """The module is shown; also after a setup that has failed."""
        if self.panel is not None:
            self.panel.entered()

    def exit(self):
        """Another module is shown; also after a setup that has failed."""
        if self.panel is not None:
            self.panel.left()

    def onSceneStartClose(self, caller, event):
        """Whatever is running ends before the nodes go."""
        self.panel.sceneClosed()
        self._release()

    def onSceneEndClose(self, caller, event):
        """An empty scene."""
        self.panel.sceneEmptied()
        self.initialize()

    def onSceneEndImport(self, caller, event):
        """A scene that has just been loaded, perhaps into one that was there."""
        self.initialize()

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def onNodeRemoved(self, caller, event, node):
        """A volume, box or segmentation is gone."""
        if node.IsA("vtkMRMLVolumeNode"):
            from MASAMSlicerLib.scene.volumes import forgetVolumes

            forgetVolumes()  # its memory too
        if self.panel is not None and not slicer.mrmlScene.IsClosing():
            self.panel.nodeRemoved(node)

    def onModified(self, caller, event):
        """The parameter node has changed."""
        if self.panel is not None:
            self.panel.context.refreshSoon()

    def onInteractionMode(self, caller, event):
        """A box or another prompt has been placed, or the tool was left."""
        if self.panel is not None:
            self.panel.onInteractionMode()

    def _isShown(self):
        """Whether this is the module that the main window shows."""
        return (
            slicer.util.mainWindow() is not None and slicer.util.selectedModule() == self.moduleName
        )

    def _release(self):
        """Let go of the parameter node."""
        if self._parameters is not None:
            self._parameters.disconnectGui(self._guiTag)
            node, modified = self._parameters.parameterNode, vtk.vtkCommand.ModifiedEvent
            if self.hasObserver(node, modified, self.onModified):
                self.removeObserver(node, modified, self.onModified)
            self._parameters, self._guiTag = None, None


class MASAMSlicerLogic(ScriptedLoadableModuleLogic):
    """Lesions of the scene for scripts, segmented with or without waiting."""

    def __init__(self):
        ScriptedLoadableModuleLogic.__init__(self)
        self._session = None

    def getParameterNode(self):
        """The module's parameter node in the scene."""
        return ScriptedLoadableModuleLogic.getParameterNode(self)

    def session(self, makeTransport):
        """Lesions and worker of the scene; see MASAMSlicerLib.session.session.Session."""
        from MASAMSlicerLib.session.session import Session

        if self._session is None:
            self._session = Session(slicer.mrmlScene, makeTransport)
        return self._session

    def segment(self, volumeNode, roiNodes, choice=None, options=None, segmentationNode=None):
        """Segment the lesions in ROIs and wait for them; for scripts and Slicer without a window.

        Args:
            volumeNode: the image.
            roiNodes: one box a lesion.
            choice: masam_core.worker.steps.ModelChoice; None is the bundled model.
            options: masam_core.inference.options.SegmentOptions; None is the default.
            segmentationNode: where the segments go; None is that of the volume's other lesions,
                or a new one.

        Returns:
            MASAMSlicerLib.session.reports.RunReport.

        Raises:
            MasamError: what went wrong; the scene has not been changed.
        """
        from MASAMSlicerLib.blocking import BlockingSession

        with BlockingSession(slicer.mrmlScene) as session:
            lesions = [session.lesions.add(volumeNode, segmentationNode, r) for r in roiNodes]
            return session.segmentNow([x.id for x in lesions], choice, options, segmentationNode)

    def segmentAll(self, volumeNode, choice, classes=(), options=None, segmentationNode=None):
        """Segment a whole volume without boxes and wait; for scripts and Slicer without a window.

        Args:
            volumeNode: the image.
            choice: masam_core.worker.steps.ModelChoice of a model that was trained without prompts.
            classes: names of those that are wanted; empty for all.
            options: masam_core.inference.options.SegmentOptions; None is the default.
            segmentationNode: for the result; None is that of an earlier run of the same model on
                this volume, or a new one.

        Returns:
            MASAMSlicerLib.session.whole.WholeReport.

        Raises:
            MasamError: what went wrong; the scene has not been changed.
        """
        from MASAMSlicerLib.blocking import BlockingSession

        with BlockingSession(slicer.mrmlScene) as session:
            return session.segmentAllNow(volumeNode, choice, options, classes, segmentationNode)


class MASAMSlicerTest(SelfTests, ScriptedLoadableModuleTest):
    """Runs by ctest in Slicer, by Reload & Test, and under pytest on slicer-core."""
