"""Results: surfaces, touch-up, measurements, files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from masam_core.errors import MasamError
from masam_core.export.measurements import write_measurements

from ..control.front import PLAIN, WARNING
from ..report import rowsOf
from ..scene import views
from ..scene.export import saveSegmentation
from ..scene.lesions import EDITED
from ..scene.tables import updateTable
from ..wording import measuredWords
from .context import PanelContext


class Results:
    """What can be done with the segments."""

    def __init__(self, context: PanelContext) -> None:
        self.context, self.ui = context, context.ui
        self._editorNode: Any = None
        self._hidden = False
        self._seen: set[str] = set()  # volumes that the 3D views were turned to
        self.ui.surfaceCheckBox.toggled.connect(lambda *_: self.showSegments())
        self.ui.measureButton.clicked.connect(self._onMeasure)
        self.ui.tableButton.clicked.connect(self._onTable)
        self.ui.csvButton.clicked.connect(self._onCsv)
        self.ui.saveButton.clicked.connect(self._onSave)
        self.ui.dicomButton.clicked.connect(self._onDicom)
        self.ui.editorCollapsibleButton.connect("contentsCollapsed(bool)", self._onEditor)

    def refresh(self) -> None:
        """Enable what there is something for."""
        lesions = self.context.session.lesions.lesions(self.context.volume)
        done = [lesion for lesion in lesions if lesion.provenance is not None]
        edited = [lesion for lesion in done if lesion.status == EDITED]
        nothing = _("There is no segment yet.")
        able = bool(done) and self.context.volume is not None
        for button in (self.ui.tableButton, self.ui.csvButton, self.ui.saveButton):
            self.context.enable(button, able, nothing)
        unchanged = _("No segment was changed by hand since it was measured.")
        wait = _("Wait until the run has ended, or cancel it.")
        busy = self.context.session.busy
        self.context.enable(
            self.ui.measureButton, bool(edited) and not busy, wait if edited else unchanged
        )
        problem = nothing if not able else dicomProblem()
        self.context.enable(self.ui.dicomButton, not problem, problem)
        self._pointEditor()

    def toggleVisibility(self) -> None:
        """The shortcut V: hide and show every segment of the volume."""
        self._hidden = not self._hidden
        self.showSegments()

    def showSegments(self) -> None:
        """Bring the segmentations' visibility in line with the panel."""
        for node in self._segmentations():
            views.setSegmentsVisible(
                node, not self._hidden, bool(self.ui.surfaceCheckBox.checked) and not self._hidden
            )
        self.lookAtSurface()

    def showNew(self) -> None:
        """Show what a run has found, also where segments were hidden before."""
        parameters = self.context.parameters
        for lesion in self.context.session.lesions.lesions(self.context.volume):
            if lesion.segmentation is not None and lesion.segment is not None:
                if parameters.segmentation is None:
                    parameters.segmentation = lesion.segmentation
                views.setSegmentsVisible(lesion.segmentation, True, bool(parameters.showSurface))
        self.lookAtSurface()

    def lookAtSurface(self) -> None:
        """Turn the 3D views to a volume's first surface; the user turns them from then on.

        Slicer's camera is at the origin, which may be far from the patient.
        """
        volume = self.context.volume
        if volume is None or volume.GetID() in self._seen:
            return
        if any(map(views.showsSurface, self._segmentations())):
            self._seen.add(volume.GetID())
            resetFocalPoints()

    def cleanup(self) -> None:
        """Let go of the Segment Editor."""
        self.ui.segmentEditorWidget.setMRMLSegmentEditorNode(None)

    def sceneClosed(self) -> None:
        """The editor's node is gone with the scene."""
        self._editorNode = None
        self._seen.clear()
        self.ui.segmentEditorWidget.setMRMLSegmentEditorNode(None)

    def leave(self) -> None:
        """Another module is shown: no brush may stay active."""
        self.ui.segmentEditorWidget.setActiveEffectByName("")

    def _segmentations(self) -> list[Any]:
        found: list[Any] = []
        for lesion in self.context.session.lesions.lesions(self.context.volume):
            if lesion.segmentation is not None and lesion.segmentation not in found:
                found.append(lesion.segmentation)
        return found

    def _onEditor(self, collapsed: bool) -> None:
        if collapsed:
            self.leave()
        self._pointEditor()

    def _pointEditor(self) -> None:
        """The editor works on the selected lesion's segment; only while it is unfolded."""
        if self.ui.editorCollapsibleButton.collapsed:
            return
        editor = self.ui.segmentEditorWidget
        if self._editorNode is None:
            self._editorNode = slicer.mrmlScene.AddNewNodeByClass(
                "vtkMRMLSegmentEditorNode", "MASAM touch-up"
            )
            self._editorNode.SetHideFromEditors(True)
            # A brush must not eat what lies beside it.
            self._editorNode.SetOverwriteMode(self._editorNode.OverwriteNone)
            editor.setMRMLSegmentEditorNode(self._editorNode)
        lesion = self.context.selected
        node = lesion.segmentation if lesion is not None else None
        if node is None or self.context.volume is None:
            return
        if editor.segmentationNode() is not node:
            editor.setSegmentationNode(node)
        editor.setSourceVolumeNode(self.context.volume)
        if (
            lesion is not None
            and lesion.segmentId
            and editor.currentSegmentID() != lesion.segmentId
        ):
            editor.setCurrentSegmentID(lesion.segmentId)

    def _onMeasure(self) -> None:
        def done(count: int) -> None:
            self.context.say(measuredWords(count))
            self.context.refreshSoon()

        lesions = self.context.session.lesions.lesions(self.context.volume)
        ids = [lesion.id for lesion in lesions if lesion.status == EDITED]
        try:
            self.context.session.measure(ids, done, self.context.sayError)
        except MasamError as error:
            self.context.sayError(error)

    def _onTable(self) -> None:
        name = _("{volume} measurements").format(volume=self.context.volume.GetName())
        table = updateTable(slicer.mrmlScene, name, self._rows())
        self.context.say(
            _("The measurements are in the table '{name}'.").format(name=table.GetName())
        )

    def _onCsv(self) -> None:
        path = self.context.askForTarget(_("Save the measurements"), "measurements.csv", "(*.csv)")
        if path:
            self._try(lambda: write_measurements(path, self._rows()), path)

    def _onSave(self) -> None:
        """One file holds one segmentation: that of the selected lesion."""
        lesion = self.context.selected
        node = lesion.segmentation if lesion is not None else None
        nodes = self._segmentations()
        node = node or (nodes[0] if nodes else None)
        if node is None:
            return
        name = f"{self.context.volume.GetName()}.seg.nrrd"
        path = self.context.askForTarget(_("Save the segments"), name, "(*.seg.nrrd *.nii.gz)")
        if path:
            self._try(lambda: saveSegmentation(node, self.context.volume, Path(path)), path)

    def _onDicom(self) -> None:
        exportDicom(self.context.volume)

    def _rows(self) -> list[dict[str, Any]]:
        return rowsOf(self.context.session.lesions.lesions(self.context.volume))

    def _try(self, work: Any, path: str) -> None:
        try:
            notes = work() or []
        except MasamError as error:
            self.context.sayError(error)
            return
        words = "\n".join([_("Saved {path}.").format(path=path), *notes])
        self.context.say(words, WARNING if notes else PLAIN)


def resetFocalPoints() -> None:
    """Have every 3D view look at what it shows."""
    layout = slicer.app.layoutManager()
    if layout is None:  # no main window
        return
    for number in range(layout.threeDViewCount):
        layout.threeDWidget(number).threeDView().resetFocalPoint()


def dicomProblem() -> str:
    """Why DICOM SEG can't be exported, or an empty text."""
    known = ("dicomsegmentationplugin", "quantitativereporting")  # of the extension
    if not any(hasattr(slicer.modules, name) for name in known):
        return _("Install the extension 'QuantitativeReporting' to export DICOM SEG.")
    return ""


def exportDicom(volumeNode: Any) -> None:
    """Open Slicer's own DICOM export on the volume's study, which holds the segmentation."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    item = hierarchy.GetItemByDataNode(volumeNode)
    dialog = slicer.qSlicerDICOMExportDialog(None)
    dialog.setMRMLScene(slicer.mrmlScene)
    dialog.execDialog(hierarchy.GetItemParent(item) or item)
