"""Batch: checked volumes of the scene, or a folder, through a queue that survives a bad case."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import ctk
import qt
import slicer
from slicer.i18n import tr as _

from masam_core.batch.spec import BatchSpec
from masam_core.errors import MasamError
from masam_core.export.formats.registry import endings

from .. import workerprocess
from ..batch import VolumeBatch, VolumeCase, findCases
from ..control.standing import Standing
from ..scene.pairing import BY_FOLDER, BY_NAME, BY_SEGMENTS
from ..scene.tables import updateTable
from ..wording import breakable
from . import settings
from .combobox import choose, fill
from .context import PanelContext
from .folderprocess import FolderProcess

_ID_ROLE = 256  # Qt::UserRole


class Batch:
    """Two tabs, one table.

    Args:
        context: of the panel.
        problem: why nothing can be segmented, or an empty text.
        whole: fields of a BatchSpec where the chosen model segments whole images without boxes.
    """

    def __init__(
        self,
        context: PanelContext,
        problem: Callable[[], str],
        whole: Callable[[], dict[str, Any]] = dict,
    ) -> None:
        self.context, self.ui = context, context.ui
        self._problem, self._whole = problem, whole
        self._volumes: VolumeBatch | None = None
        self._folder: FolderProcess | None = None
        self._last: VolumeBatch | None = None
        self._table: Any = None
        self._standing = Standing(self._inputs)
        fill(
            self.ui.batchBoxesComboBox,
            {
                BY_NAME: _("ROIs that are named like the volume"),
                BY_FOLDER: _("ROIs in the volume's folder (subject hierarchy)"),
                BY_SEGMENTS: _("Tight boxes around the segments of ..."),
            },
        )
        fill(self.ui.batchFormatComboBox, {ending: ending for ending in endings(masks=True)})
        choose(self.ui.batchFormatComboBox, BatchSpec.format)
        self.ui.batchTable.setHorizontalHeaderLabels([_("Case"), _("Status"), _("Message")])
        self.ui.batchTable.horizontalHeader().stretchLastSection = True
        self.ui.batchTable.verticalHeader().hide()
        self.ui.batchTable.editTriggers = qt.QAbstractItemView.NoEditTriggers  # a report
        self.ui.batchTable.visible = False
        self.ui.batchProgressBar.visible = False
        paths = ctk.ctkPathLineEdit
        self.ui.batchInput.filters = paths.Dirs | paths.Files | paths.Drives
        for edit in (self.ui.batchOutput, self.ui.batchLogFolder):
            edit.filters = paths.Dirs | paths.Drives
        for edit in (self.ui.batchInput, self.ui.batchOutput):
            edit.currentPathChanged.connect(self.context.refreshSoon)
        self.ui.batchSegmentationSelector.connect(
            "currentNodeChanged(vtkMRMLNode*)", lambda *_: self.context.refreshSoon()
        )
        self.ui.batchVolumeList.connect(
            "itemChanged(QListWidgetItem*)", lambda *_: self.context.refreshSoon()
        )
        self.ui.batchBoxesComboBox.connect("activated(int)", lambda *_: self.context.refreshSoon())
        self.ui.batchVolumesButton.clicked.connect(lambda *_: self._onVolumes())
        self.ui.batchFolderButton.clicked.connect(lambda *_: self._onFolder())

    @property
    def busy(self) -> bool:
        """Whether a batch is running."""
        return self._volumes is not None or self._folder is not None

    def refresh(self) -> None:
        """Volumes of the scene, and what can be started."""
        self._fillVolumes()
        if self._standing.over():
            self._say("")
        bySegments = self._how() == BY_SEGMENTS
        self.ui.batchSegmentationSelector.visible = bySegments
        self.ui.batchSegmentationSelectorLabel.visible = bySegments
        problem = self._problem()
        for button, running, words in (
            (self.ui.batchVolumesButton, self._volumes, _("Segment checked volumes")),
            (self.ui.batchFolderButton, self._folder, _("Run folder")),
        ):
            button.text = _("Cancel") if running is not None else words
            free = running is not None or not (self.busy or self.context.session.busy)
            boxless = self._whole().get("automatic") and button is self.ui.batchVolumesButton
            noBoxes = _("The chosen model takes no boxes: segment each volume above, or a folder.")
            blocked = problem or (noBoxes if boxless and running is None else "")
            blocked = blocked or ("" if free else _("Something else is being computed."))
            self.context.enable(button, not blocked, blocked)

    def sceneClosed(self) -> None:
        """A batch over volumes ends with the scene; one over a folder does not need it."""
        batch, self._volumes = self._volumes, None  # first: its end must not touch the scene
        self._last = self._table = None
        if batch is not None:
            batch.cancel()
            self.ui.batchProgressBar.visible = False
            self._say(_("Cancelled, because the scene was closed."))

    def cleanup(self) -> None:
        """The module is unloaded."""
        self.sceneClosed()
        if self._folder is not None:
            self._folder.stop()

    def _onVolumes(self) -> None:
        if self._volumes is not None:
            self._volumes.cancel()
            return
        try:
            cases = findCases(
                self.context.session,
                self._checked(),
                self._how(),
                self.ui.batchSegmentationSelector.currentNode(),
            )
            choice, options = self.context.choice(), self.context.options()
            batch = self._goOn(cases) or VolumeBatch(self.context.session, cases, self._logFolder())
            batch.queue.hold()  # or somebody else writes into the folder
        except MasamError as error:
            self._sayProblem(error)
            return
        self._volumes = self._last = batch
        self._begin(len(cases))
        self._volumes.start(choice, options, self._onChanged, self._onVolumesEnd)
        self.refresh()  # at once: a second click must find a button that says Cancel
        self.context.refreshSoon()

    def _goOn(self, cases: list[VolumeCase]) -> VolumeBatch | None:
        """The batch that was cancelled, if it is about the same cases."""
        last = self._last
        if last is None or last.queue.next() is None or list(last.cases.values()) != cases:
            return None
        return last

    def _how(self) -> str:
        """Source of the boxes: BY_NAME, BY_FOLDER or BY_SEGMENTS."""
        box = self.ui.batchBoxesComboBox
        return str(box.itemData(box.currentIndex))

    def _logFolder(self) -> Path | None:
        path = str(self.ui.batchLogFolder.currentPath or "").strip()
        return Path(path) if path else None

    def _onChanged(self, words: str) -> None:
        if self._volumes is not None:
            self._show(self._volumes.queue.table())
        self._say(words)

    def _onVolumesEnd(self) -> None:
        batch, self._volumes = self._volumes, None
        if batch is not None:
            self._show(batch.queue.table())
            rows = batch.rows()
            if rows:
                self._table = updateTable(slicer.mrmlScene, _("Batch"), rows, self._tableNode())
            self._end(" ".join(part for part in (batch.queue.summary(), batch.problem) if part))

    def _tableNode(self) -> Any:
        """The table of the last batch, if it is still in the scene."""
        kept = self._table
        return kept if kept is not None and kept.GetScene() is slicer.mrmlScene else None

    def _onFolder(self) -> None:
        if self._folder is not None:
            self._folder.cancel()
            return
        try:
            spec = self._spec()
            self._folder = FolderProcess(spec, self._onEvent, self._onFolderEnd)
            self._folder.start()
        except (MasamError, OSError) as error:
            self._folder = None
            self._sayProblem(error)
            return
        self._rows: dict[str, tuple[str, str, str]] = {}
        self._begin(0)
        self._say(_("Starting ..."))
        self.refresh()
        self.context.refreshSoon()

    def _spec(self) -> BatchSpec:
        source, target = self.ui.batchInput.currentPath, self.ui.batchOutput.currentPath
        if not source or not Path(source).exists():
            raise MasamError(_("Choose the folder of images first."))
        if not target:
            raise MasamError(_("Choose a folder for the results."))
        command = str(settings.read("workerCommand")).strip()
        return BatchSpec(
            Path(source),
            Path(target),
            format=str(self.ui.batchFormatComboBox.currentText),
            overlay=bool(self.ui.batchOverlayCheckBox.checked),
            retry_failed=bool(self.ui.batchRetryCheckBox.checked),
            segment=self.context.options(),
            model=self.context.choice(),
            worker=tuple(workerprocess.workerCommand(command)) if command else (),
            **self._whole(),
        )

    def _onEvent(self, event: dict[str, Any]) -> None:
        if event["event"] == "case":
            name = event["name"]
            self._rows[name] = (name, event["status"], event.get("message") or "")
            rows = list(self._rows.values())
            self._show(rows)
            finished = sum(row[1] in ("done", "failed") for row in rows)
            self.ui.batchProgressBar.maximum = max(1, len(rows))
            self.ui.batchProgressBar.value = finished
        elif event["event"] == "progress":
            self._say(f"{event['case']}: {event['text']} ({event['fraction']:.0%})")
        elif event["event"] in ("error", "note"):
            self._say(event["message"])
        elif event["event"] == "end":
            words = _("{done} done, {failed} failed.").format(**event)
            if event.get("cancelled"):
                words += " " + _("Cancelled; the same settings go on where it stopped.")
            self._say(words)

    def _onFolderEnd(self, problem: str) -> None:
        self._folder = None
        self._end(problem or self.ui.batchStatusLabel.text)

    def _begin(self, count: int) -> None:
        self.ui.batchTable.rowCount = 0
        self.ui.batchTable.visible = True
        self.ui.batchProgressBar.maximum = count
        self.ui.batchProgressBar.value = 0
        self.ui.batchProgressBar.visible = True

    def _end(self, words: str) -> None:
        self.ui.batchProgressBar.visible = False
        self._say(words)
        self.context.refreshSoon()

    def _show(self, rows: list[tuple[str, str, str]]) -> None:
        table = self.ui.batchTable
        table.rowCount = len(rows)
        for number, row in enumerate(rows):
            for column, text in enumerate(row):
                item = qt.QTableWidgetItem(text)
                item.setToolTip(row[2])
                table.setItem(number, column, item)
        if self._volumes is not None:
            self.ui.batchProgressBar.value = sum(row[1] in ("done", "failed") for row in rows)

    def _say(self, words: str) -> None:
        """A report; it stands until the next one."""
        self.ui.batchStatusLabel.text = breakable(words)
        self._standing.said(lambda: True)

    def _sayProblem(self, error: Exception) -> None:
        """Why nothing was started; it stands until something else is chosen."""
        self.ui.batchStatusLabel.text = breakable(str(error))
        self._standing.said()

    def _inputs(self) -> tuple[object, ...]:
        segmentation = self.ui.batchSegmentationSelector.currentNode()
        return (
            self.ui.batchInput.currentPath,
            self.ui.batchOutput.currentPath,
            self._how(),
            segmentation.GetID() if segmentation is not None else "",
            tuple(node.GetID() for node in self._checked()),
        )

    def _fillVolumes(self) -> None:
        """Every scalar volume of the scene; what is checked stays checked."""
        nodes = [
            node
            for node in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
            if not node.IsA("vtkMRMLLabelMapVolumeNode") and not node.GetHideFromEditors()
        ]
        listed = self.ui.batchVolumeList
        known = [listed.item(row).data(_ID_ROLE) for row in range(listed.count)]
        names = [listed.item(row).text() for row in range(listed.count)]
        if (known, names) == ([n.GetID() for n in nodes], [n.GetName() for n in nodes]):
            return
        checked = {node.GetID() for node in self._checked()}
        listed.clear()
        for node in nodes:
            item = qt.QListWidgetItem(node.GetName())
            item.setData(_ID_ROLE, node.GetID())
            item.setFlags(qt.Qt.ItemIsEnabled | qt.Qt.ItemIsUserCheckable)
            isNew = node.GetID() not in known
            on = isNew or node.GetID() in checked
            item.setCheckState(qt.Qt.Checked if on else qt.Qt.Unchecked)
            listed.addItem(item)

    def _checked(self) -> list[Any]:
        listed = self.ui.batchVolumeList
        ids = [
            listed.item(row).data(_ID_ROLE)
            for row in range(listed.count)
            if listed.item(row).checkState() == qt.Qt.Checked
        ]
        nodes = [slicer.mrmlScene.GetNodeByID(identity) for identity in ids]
        return [node for node in nodes if node is not None]
