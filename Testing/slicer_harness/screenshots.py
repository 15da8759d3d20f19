"""Pictures of the panel and the views for the README, from a real run on the bundled volume.

python -m Testing.slicer_harness.screenshots [FOLDER]            all of them
python -m Testing.slicer_harness.screenshots FOLDER SCREEN       the window on one screen

A screen with twice the pixels needs a process of its own: Qt reads its scale at the start.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PANEL_WIDTH = 432
PATIENCE = 600.0  # seconds, on a busy machine
MOST = 2200, 1500  # pixels of a picture of the window; the rest of a larger screen is views


def main(folder: Path) -> None:
    """Segment the tumour of the bundled MR and take the pictures."""
    from Testing import slicer_harness as harness

    widget, volume = _segmented(harness)  # first: what follows needs the stand-ins installed
    from Testing.slicer_harness.views import renderLayout
    from Testing.slicer_harness.window import SCREENS

    ui = widget.ui
    _cutOff(harness, widget)
    path = folder / "slicer_cut.png"
    renderLayout(volume.GetScene(), volume, path, (1000, 760))
    harness.grab(widget.uiWidget, folder / "slicer_cut_panel.png", PANEL_WIDTH)
    ui.undoButton.click()
    harness.process(0.3)
    _correct(harness, widget)
    harness.grab(widget.uiWidget, folder / "slicer_panel.png", PANEL_WIDTH)
    renderLayout(volume.GetScene(), volume, folder / "slicer_views.png", (1000, 760))
    ui.batchCollapsibleButton.collapsed = False
    ui.advancedCollapsibleButton.collapsed = False
    ui.resultsCollapsibleButton.collapsed = True
    harness.process(0.3)
    harness.grab(widget.uiWidget, folder / "slicer_batch.png", PANEL_WIDTH)
    widget.exit()
    widget.cleanup()
    for name, screen in SCREENS.items():
        scaled = {**os.environ, "QT_SCALE_FACTOR": str(screen.scale)}
        module = "Testing.slicer_harness.screenshots"
        command = [sys.executable, "-m", module, str(folder), name]
        subprocess.run(command, check=True, env=scaled)


def onScreen(folder: Path, name: str) -> None:
    """Take a picture of the whole window on one of the screens of ``window.SCREENS``."""
    from Testing import slicer_harness as harness

    widget, volume = _segmented(harness)  # first: what follows needs the stand-ins installed
    from Testing.slicer_harness.views import renderLayout
    from Testing.slicer_harness.window import SCREENS, picture

    _correct(harness, widget)
    screen = SCREENS[name]
    path = folder / f"slicer_panel_{name}.png"
    renderLayout(volume.GetScene(), volume, path, screen.views)
    shown = picture(widget.harnessParent, path, screen)
    harness.process(0.3)
    harness.save(shown, path, MOST)
    widget.exit()
    widget.cleanup()


def _segmented(harness: Any) -> tuple[Any, Any]:
    """The panel after one box, and the volume."""
    harness.install()
    harness.dress(__name__)
    widget = _panel(harness)
    ui = widget.ui
    volume, roi = _load()
    ui.volumeSelector.setCurrentNode(volume)
    harness.process(0.3)
    ui.roiSelector.setCurrentNode(roi)
    harness.process(0.2)
    ui.addRoiButton.click()
    harness.process(0.2)
    widget.panel.inputs.askWorker()
    harness.process(lambda: bool(widget.panel.inputs.devices), PATIENCE)
    widget.panel.context.session.lesions.rename(
        widget.panel.context.session.lesions.lesions()[0], "Sarcoma"
    )
    harness.process(0.2)
    ui.segmentButton.click()
    harness.process(lambda: not widget.panel.context.session.busy, PATIENCE)
    harness.process(0.3)
    ui.lesionTable.selectRow(0)
    harness.process(0.2)
    ui.jumpButton.click()
    harness.process(0.2)
    return widget, volume


def _cutOff(harness: Any, widget: Any) -> None:
    """Move a side of the box into the tumour, and have it segmented again."""
    from MASAMSlicerLib.scene.prompts import alignedBounds, alignRoi

    session = widget.panel.context.session
    lesion = session.lesions.lesions()[0]
    low, high = alignedBounds(lesion.roi, lesion.volume)
    high[0] = low[0] + 0.6 * (high[0] - low[0])
    alignRoi(lesion.roi, lesion.volume, low, high)
    lesion.roi.InvokeEvent(lesion.roi.PointEndInteractionEvent)
    harness.process(0.3)
    harness.process(lambda: not session.busy, PATIENCE)
    harness.process(0.3)


def _correct(harness: Any, widget: Any) -> None:
    """Click in the middle of what the mask has missed, and of what is too much of it."""
    import numpy as np
    import slicer
    from MASAMSlicerLib.scene.touchup import wholeMask
    from MASAMSlicerLib.scene.volumes import geometryOf

    from masam_core.image.volume import read_labels
    from masam_core.lesion.morphology import depth_in

    context, ui = widget.panel.context, widget.ui
    path = ROOT / "Resources" / "SampleData" / "sarcoma_mr" / "expert.nii.gz"
    expert = read_labels(path)[0] > 0
    interaction = slicer.app.applicationLogic().GetInteractionNode()
    selection = slicer.app.applicationLogic().GetSelectionNode()
    for button, missed in ((ui.pointButton, True), (ui.notPointButton, False)):
        lesion = context.session.lesions.lesions()[0]
        geometry = geometryOf(lesion.volume)
        mask = wholeMask(lesion, geometry)
        wrong = expert & ~mask if missed else mask & ~expert
        depth = depth_in(wrong, list(geometry.spacing)[::-1])
        index = np.array(np.unravel_index(depth.argmax(), depth.shape))[::-1]
        (point,) = geometry.ras_from_ijk(index[None].astype(float))
        button.click()
        harness.process(0.1)
        node = slicer.mrmlScene.GetNodeByID(selection.GetActivePlaceNodeID())
        node.AddControlPointWorld(*[float(v) for v in point])
        interaction.SetCurrentInteractionMode(interaction.ViewTransform)
        harness.process(0.1)
        harness.process(lambda: not context.session.busy, PATIENCE)
        harness.process(0.3)
        for view in ("Red", "Green", "Yellow"):
            slicer.mrmlScene.GetNodeByID(f"vtkMRMLSliceNode{view}").JumpSliceByOffsetting(
                *[float(v) for v in point]
            )


def _panel(harness: Any) -> Any:
    from PySide6 import QtWidgets

    path = ROOT / "MASAMSlicer" / "MASAMSlicer.py"
    module = harness.loadModule(path, ("MASAMSlicerLib",))
    parent = QtWidgets.QWidget()
    QtWidgets.QVBoxLayout(parent)
    widget = module.MASAMSlicerWidget(parent)
    widget.setup()
    widget.enter()
    widget.harnessParent = parent
    return widget


def _load() -> tuple[Any, Any]:
    import slicer

    folder = ROOT / "Resources" / "SampleData" / "sarcoma_mr"
    volume = slicer.modules.volumes.logic().AddArchetypeVolume(
        str(folder / "image.nii.gz"), "Sarcoma MR"
    )
    identity = slicer.modules.markups.logic().LoadMarkups(str(folder / "box.mrk.json"), "Box")
    return volume, slicer.mrmlScene.GetNodeByID(identity)


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "Resources" / "Screenshots"
    if len(sys.argv) > 2:
        onScreen(target, sys.argv[2])
    else:
        main(target)
