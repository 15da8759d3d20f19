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
MOST = 2200, 1500  # pixels of a picture of the window; the rest of a larger screen is views


def main(folder: Path) -> None:
    """Segment the tumour of the bundled MR and take the pictures."""
    from Testing import slicer_harness as harness

    widget, volume = _segmented(harness)  # first: what follows needs the stand-ins installed
    from Testing.slicer_harness.views import renderLayout
    from Testing.slicer_harness.window import SCREENS

    ui = widget.ui
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
    harness.process(lambda: bool(widget.panel.inputs.devices))
    widget.panel.context.session.lesions.rename(
        widget.panel.context.session.lesions.lesions()[0], "Sarcoma"
    )
    harness.process(0.2)
    ui.segmentButton.click()
    harness.process(lambda: not widget.panel.context.session.busy)
    harness.process(0.3)
    ui.lesionTable.selectRow(0)
    harness.process(0.2)
    ui.jumpButton.click()
    harness.process(0.2)
    return widget, volume


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
