"""Results: surfaces, measurements, files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from masam_core.errors import MasamError
from masam_core.export.measurements import write_measurements

from ..control.front import PLAIN, WARNING
from ..report import rowsOf
from ..scene import classes, views
from ..scene.dicomfiles import isDicom
from ..scene.export import saveSegmentation
from ..scene.lesions import EDITED, LesionEntry
from ..scene.tables import updateTable
from ..session.reports import RunReport
from ..wording import measuredWords
from .context import PanelContext


class Results:
    """What can be done with the segments."""

    def __init__(self, context: PanelContext) -> None:
        self.context, self.ui = context, context.ui
        self._seen: set[str] = set()  # volumes that the 3D views were turned to
        self.ui.surfaceCheckBox.toggled.connect(lambda *_: self._showSurfaces())
        self.ui.measureButton.clicked.connect(lambda *_: self.measureAgain())
        self.ui.tableButton.clicked.connect(self._onTable)
        self.ui.csvButton.clicked.connect(self._onCsv)
        self.ui.saveButton.clicked.connect(self._onSave)
        self.ui.dicomButton.clicked.connect(self._onDicom)

    def refresh(self) -> None:
        """Enable what there is something for."""
        lesions = self.context.session.lesions.lesions(self.context.volume)
        done = [lesion for lesion in lesions if lesion.provenance is not None]
        outdated = self._outdated()
        nothing = _("There is no segment yet.")
        able = bool(done) and self.context.volume is not None
        for button in (self.ui.tableButton, self.ui.csvButton, self.ui.saveButton):
            self.context.enable(button, able, nothing)
        unchanged = _("No segment was changed by hand, and no other plane of diameters is chosen.")
        wait = _("Wait until the run has ended, or cancel it.")
        busy = self.context.session.busy
        self.context.enable(
            self.ui.measureButton, bool(outdated) and not busy, wait if outdated else unchanged
        )
        problem = nothing if not able else dicomProblem(self.context.volume)
        self.context.enable(self.ui.dicomButton, not problem, problem)

    def toggleVisibility(self) -> None:
        """The shortcut V: hide every segment of the volume, or show all where none is shown.

        Whether they are hidden, the scene says: a result shows them, and other modules may.
        """
        nodes, structures = self._segmentations(), self._structures()
        shown = any(map(views.areSegmentsVisible, [*nodes, *structures]))
        for node in nodes:
            views.setSegmentsVisible(node, not shown, bool(self.ui.surfaceCheckBox.checked))
        for node in structures:  # surfaces of a whole body take their time: none is made here
            views.setSegmentsVisible(node, not shown, views.hasSurface(node))
        self.lookAtSurface()

    def _showSurfaces(self) -> None:
        """The tick for 3D: the slices stay as they are."""
        for node in [*self._segmentations(), *self._structures()]:
            views.setSurfaceVisible(node, bool(self.ui.surfaceCheckBox.checked))
        self.lookAtSurface()

    def showNew(self, report: RunReport) -> None:
        """Show what a run has found, also where segments were hidden before.

        The run's volume need not be the chosen one any more: its masks are seen when it is again.
        """
        parameters = self.context.parameters
        done = [each.lesion for each in report.lesions if not each.error]
        for lesion in filter(None, map(self.context.session.lesions.lesion, done)):
            if lesion.segmentation is not None and lesion.segment is not None:
                if parameters.segmentation is None and lesion.volume is self.context.volume:
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
        if any(map(views.showsSurface, self._segmentations())) and resetFocalPoints():
            self._seen.add(volume.GetID())

    def sceneClosed(self) -> None:
        """The volumes are gone with the scene."""
        self._seen.clear()

    def _segmentations(self) -> list[Any]:
        found: list[Any] = []
        for lesion in self.context.session.lesions.lesions(self.context.volume):
            if lesion.segmentation is not None and lesion.segmentation not in found:
                found.append(lesion.segmentation)
        return found

    def _structures(self) -> list[Any]:
        """The volume's segmentations that a model made without prompts, and that hold no lesion."""
        mine = classes.ofVolume(self.context.session.scene, self.context.volume)
        lesions = self._segmentations()
        return [node for node in mine if node not in lesions]

    def measureAgain(self) -> None:
        """Measure what was changed by hand, or in another plane than the one that is chosen."""

        def done(count: int) -> None:
            self.context.say(measuredWords(count))
            self.context.refreshSoon()

        ids = [lesion.id for lesion in self._outdated()]
        plane = str(self.context.parameters.diameterPlane)
        try:
            self.context.session.measure(ids, done, self.context.sayError, plane)
        except MasamError as error:
            self.context.sayError(error)

    def _outdated(self) -> list[LesionEntry]:
        session, volume = self.context.session, self.context.volume
        lesions = [x for x in session.lesions.lesions(volume) if x.provenance is not None]
        other = session.unmeasured(volume, str(self.context.parameters.diameterPlane))
        ids = [lesion.id for lesion in other]
        return [lesion for lesion in lesions if lesion.status == EDITED or lesion.id in ids]

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
        self._save(".seg.nrrd", "(*.seg.nrrd *.nii.gz *.seg.dcm *.rt.dcm *.sr.dcm)")

    def _onDicom(self) -> None:
        """Slicer's own export where it can write segmentations, else a file of ours."""
        if hasExporter():
            exportDicom(self.context.volume)
        else:
            self._save(".seg.dcm", "(*.seg.dcm *.rt.dcm *.sr.dcm)")

    def _save(self, ending: str, pattern: str) -> None:
        """One file holds one segmentation: that of the selected lesion."""
        lesion = self.context.selected
        node = lesion.segmentation if lesion is not None else None
        nodes = self._segmentations()
        node = node or (nodes[0] if nodes else None)
        if node is None:
            return
        name = f"{self.context.volume.GetName()}{ending}"
        path = self.context.askForTarget(_("Save the segments"), name, pattern)
        if path:
            self._try(lambda: saveSegmentation(node, self.context.volume, Path(path)), path)

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


def resetFocalPoints() -> bool:
    """Have every 3D view look at what it shows; whether there is one."""
    layout = slicer.app.layoutManager()
    if layout is None:  # no main window
        return False
    widgets = [layout.threeDWidget(number) for number in range(layout.threeDViewCount)]
    for widget in widgets:
        widget.threeDView().resetFocalPoint()
    return bool(widgets)


def hasExporter() -> bool:
    """Whether Slicer's own DICOM export can write segmentations, by an extension of its."""
    known = ("dicomsegmentationplugin", "quantitativereporting")
    return any(hasattr(slicer.modules, name) for name in known)


def dicomProblem(volumeNode: Any) -> str:
    """Why DICOM can't be exported, or an empty text."""
    if hasExporter() or isDicom(volumeNode):
        return ""
    return _("The volume was not loaded from Slicer's DICOM database: it belongs to no study.")


def exportDicom(volumeNode: Any) -> None:
    """Open Slicer's own DICOM export on the volume's study, which holds the segmentation."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    item = hierarchy.GetItemByDataNode(volumeNode)
    dialog = slicer.qSlicerDICOMExportDialog(None)
    dialog.setMRMLScene(slicer.mrmlScene)
    dialog.execDialog(hierarchy.GetItemParent(item) or item)
