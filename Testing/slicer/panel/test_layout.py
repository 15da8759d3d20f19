"""The panel's place on small and large screens: what is seen, nothing covered, nothing cut off."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from typing import Any

import pytest

from Testing.slicer.conftest import MODULE
from Testing.slicer.panel.conftest import Person, pick

NAME, KIND = 0, 1
SIZES = ["1280x800", "1366x768", "4k", "smallest"]
ALWAYS = ("noticeLabel", "volumeSelector", "placeButton", "segmentButton", "undoButton")
ALWAYS += ("redoButton", "statusLabel", "lineButton", "pointButton", "lassoButton")
LONG = "Soft-tissue sarcoma of the left thigh, follow-up after radiotherapy, third of four"
PATH = "/data/hospital/department_of_radiology/models/2026/masam_vit_b_soft_tissue_v3.safetensors"
WINDOWS_PATH = PATH.replace("/", "\\")


class Column:
    """The panel in its column of the window."""

    def __init__(self, person: Person, area: Any) -> None:
        self.person, self.ui, self.area = person, person.ui, area

    def settle(self) -> None:
        """Refresh the panel and let the layouts follow."""
        self.person.panel.refresh()
        rounds = iter(range(8))
        self.person.wait(lambda: next(rounds) == 7)

    def faults(self) -> list[str]:
        from Testing.slicer_harness import geometry

        self.settle()
        found: list[str] = geometry.faults(self.person.widget.uiWidget)
        if self.area.horizontalScrollBar().maximum:
            found.append("the panel is wider than its column")
        columns = geometry.cutColumns(self.ui.lesionTable, free=(NAME, KIND))
        return found + [f"column {column} of the list is too narrow" for column in columns]

    def unseen(self, *more: str) -> list[str]:
        from Testing.slicer_harness.geometry import seen

        self.settle()
        return [n for n in (*ALWAYS, *more) if not seen(self.area, getattr(self.ui, n))]


@pytest.fixture(params=SIZES)
def column(person: Person, request: pytest.FixtureRequest) -> Iterator[Column]:
    yield from _column(person, request.param)


@pytest.fixture
def small(person: Person) -> Iterator[Column]:
    yield from _column(person, "smallest")


def _column(person: Person, name: str) -> Iterator[Column]:
    from Testing.slicer_harness import window

    host = person.widget.uiWidget.parentWidget()
    area = window.scrolled(host)
    if name == "smallest":
        area.resize(400, window.SCREENS["1366x768"].room)
    else:
        area.resize(window.COLUMN, window.SCREENS[name].room)
    area.show()
    person.wait()
    yield Column(person, area)
    area.hide()
    host.setParent(None)


def test_a_section_folds_one_page_so_that_what_changes_in_it_stays_folded() -> None:
    root = ElementTree.parse(MODULE / "Resources" / "UI" / "MASAMSlicer.ui").getroot()
    sections = root.findall(".//widget[@class='ctkCollapsibleButton']")
    pages = {
        section.get("name"): [child.get("class") for child in section.findall("layout/item/*")]
        for section in sections
    }
    assert len(pages) >= 5
    assert {name: kinds for name, kinds in pages.items() if len(kinds) != 1} == {}


@pytest.mark.usefixtures("harness")
def test_the_screens_leave_the_room_that_was_measured() -> None:
    from Testing.slicer_harness.window import SCREENS

    assert [screen.room for screen in SCREENS.values()] == [400, 368, 680]


def test_what_is_always_needed_is_seen_and_nothing_is_covered_or_cut_off(
    column: Column, case: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from MASAMSlicerLib import workerprocess
    from MASAMSlicerLib.wording import extendWords

    person, ui = column.person, column.ui
    assert (column.faults(), column.unseen()) == ([], []), "empty"
    person.choose(case.volume)
    lesion = person.take(case.roi)
    assert (column.faults(), column.unseen()) == ([], []), "one box"

    centre = case.roi.GetCenter()
    case.roi.SetCenter(4000.0, 0.0, 0.0)
    person.wait()
    assert ui.promptWarningLabel.visible
    assert (column.faults(), column.unseen("promptWarningLabel")) == ([], []), "box warning"
    case.roi.SetCenter(*centre)

    ui.extendButton.text = extendWords("right")
    monkeypatch.setattr(person.panel.corrections, "refresh", lambda: None)
    ui.extendButton.visible = True
    assert (column.faults(), column.unseen("extendButton")) == ([], []), "a side that cuts"
    ui.extendButton.visible = False
    monkeypatch.undo()

    for path in (PATH, WINDOWS_PATH):
        person.panel.context.sayError(
            OSError(f"The file {path} could not be read: permission denied.")
        )
        assert (column.faults(), column.unseen()) == ([], []), "error"

    case.volume.SetName(LONG)
    person.session.lesions.rename(lesion, LONG)
    person.panel.context.parameters.model = WINDOWS_PATH
    assert (column.faults(), column.unseen()) == ([], []), "long names"
    ui.inputsCollapsibleButton.collapsed = False
    assert column.faults() == [], "model, device and output"
    ui.inputsCollapsibleButton.collapsed = True
    person.panel.context.parameters.model = "bundled"

    for _ in range(10):
        person.session.lesions.duplicate(person.session.lesions.lesion(lesion.id))
    person.panel.context.refreshSoon()
    assert (column.faults(), column.unseen()) == ([], []), "eleven lesions"

    for name in ("batch", "advanced", "editor"):
        section = getattr(ui, f"{name}CollapsibleButton")
        section.collapsed = False
        assert (column.faults(), column.unseen()) == ([], []), name
        section.collapsed = True
    ui.batchCollapsibleButton.collapsed = False
    ui.batchTabs.currentIndex = 1
    assert column.faults() == [], "batch over a folder"
    ui.batchCollapsibleButton.collapsed = True

    person.panel.context.say("1 lesion segmented in 6.4 s on cpu.")
    monkeypatch.setattr(workerprocess, "missing", lambda names: list(names))
    person.panel.install.check()
    person.wait()
    assert ui.installFrame.visible
    assert (column.faults(), column.unseen("installButton")) == ([], []), "installation"


def test_what_offers_pytorch_fits(small: Column, monkeypatch: pytest.MonkeyPatch) -> None:
    from MASAMSlicerLib import workerprocess

    from masam_core.errors import NeedsPyTorch

    person, ui = small.person, small.ui
    monkeypatch.setattr(
        workerprocess, "missing", lambda names: [name for name in names if name == "torch"]
    )
    person.panel.install.check()
    words = f"The model '{PATH}' needs PyTorch, which is not installed."
    person.panel.context.sayError(NeedsPyTorch(words))
    ui.advancedCollapsibleButton.collapsed = False
    assert (small.faults(), small.unseen("offerButton")) == ([], [])
    assert ui.addPyTorchButton.visible
    assert ui.engineLabel.visible


def test_a_run_moves_no_button_and_shows_its_bar(
    small: Column, case: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = small.person
    person.choose(case.volume)
    person.take(case.roi)
    names = ("placeButton", "segmentButton", "undoButton", "redoButton", "lesionTable")
    before = {name: getattr(small.ui, name).geometry for name in names}
    monkeypatch.setattr(type(person.session), "busy", True)
    person.panel.run.runner._telling.progress(0.4, "window 4 of 10")
    person.panel.context.refreshSoon()
    assert (small.faults(), small.unseen("progressBar")) == ([], [])
    assert small.ui.segmentButton.text == "Cancel"
    assert {name: getattr(small.ui, name).geometry for name in names} == before
    assert small.ui.undoButton.toolTip == "Wait until the run has ended, or cancel it."
    person.panel.run.runner._telling.end()


def test_the_list_is_as_high_as_its_rows(small: Column, case: Any) -> None:
    from Testing.slicer_harness.geometry import wholeRows

    person, table = small.person, small.ui.lesionTable
    person.choose(case.volume)
    assert wholeRows(table) == pytest.approx(2, abs=0.3)
    first = person.take(case.roi)
    for count in range(1, 11):
        small.settle()
        assert table.rowCount == count
        assert wholeRows(table) == pytest.approx(min(max(count, 2), 8), abs=0.05)
        assert bool(table.verticalScrollBar().maximum) == (count > 8)
        person.session.lesions.duplicate(person.session.lesions.lesion(first.id))
        person.panel.context.refreshSoon()


def test_the_folded_line_says_what_is_chosen_and_follows_changes(person: Person, case: Any) -> None:
    from MASAMSlicerLib.scene.segments import newSegmentation

    section = person.ui.inputsCollapsibleButton
    assert section.collapsed
    assert section.text == "Bundled model \N{MIDDLE DOT} Best device \N{MIDDLE DOT} balanced"
    assert "New lesions go into: a new segmentation" in section.toolTip
    gpu = {"label": "NVIDIA RTX A2000 Laptop GPU", "total_bytes": 8e9, "free_bytes": 6e9}
    cpu = {"name": "cpu", "label": "CPU, 2 threads", "total_bytes": 8e9, "free_bytes": 6e9}
    person.panel.inputs._onDevices({"devices": [{"name": "cuda:0", **gpu}, cpu]})
    pick(person.ui.qualityComboBox, "best")
    person.choose(case.volume)
    person.ui.segmentationSelector.setCurrentNode(newSegmentation(case.volume, "Thigh"))
    person.wait()
    assert section.text.split(" \N{MIDDLE DOT} ")[1:] == [
        "NVIDIA RTX \N{HORIZONTAL ELLIPSIS}Laptop GPU",
        "best",
    ]
    assert "NVIDIA RTX A2000 Laptop GPU" in section.toolTip
    assert "New lesions go into: Thigh" in section.toolTip
    pick(person.ui.deviceComboBox, "cpu")
    person.panel.context.parameters.model = "C:/models/R&D.safetensors"
    person.wait()
    assert section.text.startswith("R&&D.safetensors \N{MIDDLE DOT} Processor (2 threads)")


def test_the_tab_key_goes_from_top_to_bottom(small: Column, case: Any) -> None:
    from Testing.slicer_harness.geometry import tabOrder

    small.person.choose(case.volume)
    small.person.take(case.roi)
    order = tabOrder(small.person.widget.uiWidget)
    wanted = ["volumeSelector", "inputsCollapsibleButton", "placeButton", "lineButton"]
    wanted += ["sliceBoxButton", "pointButton", "notPointButton", "scribbleButton", "lassoButton"]
    wanted += ["upperEndButton", "lowerEndButton", "fitButton", "segmentButton", "liveCheckBox"]
    wanted += ["undoButton", "redoButton", "lesionTable", "jumpButton", "rerunButton"]
    wanted += ["lockButton", "deleteButton", "typeComboBox", "colorButton", "confirmButton"]
    wanted += ["roiSelector", "duplicateButton"]
    assert [name for name in order if name in wanted] == wanted


def test_no_wrapped_text_lies_in_a_form() -> None:
    """A form's rows do not grow with the lines of a text; a note would cover what is beside it."""
    root = ElementTree.parse(MODULE / "Resources" / "UI" / "MASAMSlicer.ui").getroot()
    wrapped = [
        widget.get("name")
        for form in root.iter("layout")
        if form.get("class") == "QFormLayout"
        for widget in form.iterfind("item/widget[@class='QLabel']")
        if widget.find("property[@name='wordWrap']") is not None
    ]
    assert wrapped == []


def test_a_disabled_widget_says_why(person: Person) -> None:
    import qt

    ui = person.ui
    assert ui.typeComboBox.toolTip == ui.colorButton.toolTip == "Select a lesion first."
    assert "tick 'Own'" in ui.thresholdSlider.toolTip
    silent = [
        widget.objectName
        for kind in (qt.QPushButton, qt.QComboBox, qt.QCheckBox)
        for widget in person.widget.uiWidget.findChildren(kind)
        if not widget.enabled and not widget.toolTip
    ]
    assert silent == []
