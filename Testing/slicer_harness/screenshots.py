"""Pictures of the panel and the views for the README, from a real run on the bundled volume.

python -m Testing.slicer_harness.screenshots [FOLDER]
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PANEL_WIDTH = 470


def main(folder: Path) -> None:
    """Segment the tumour of the bundled MR and take the pictures."""
    from Testing import slicer_harness as harness

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
    widget.panel.session.lesions.rename(widget.panel.session.lesions.lesions()[0], "Sarcoma")
    harness.process(0.2)
    ui.segmentButton.click()
    harness.process(lambda: not widget.panel.session.busy)
    harness.process(0.3)
    ui.lesionTable.selectRow(0)
    harness.process(0.2)
    ui.jumpButton.click()
    harness.process(0.2)

    from Testing.slicer_harness.views import renderLayout

    harness.grab(widget.uiWidget, folder / "slicer_panel.png", PANEL_WIDTH)
    renderLayout(volume.GetScene(), volume, folder / "slicer_views.png", (1000, 760))
    ui.batchCollapsibleButton.collapsed = False
    ui.advancedCollapsibleButton.collapsed = False
    for name in ("inputs", "prompt", "lesions", "run", "results"):
        getattr(ui, f"{name}CollapsibleButton").collapsed = True
    harness.process(0.3)
    harness.grab(widget.uiWidget, folder / "slicer_batch.png", PANEL_WIDTH)
    widget.exit()
    widget.cleanup()


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
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "Resources" / "Screenshots")
