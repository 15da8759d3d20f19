"""The four views of a tab."""

from __future__ import annotations

from typing import Any

import numpy as np

from masam_workbench.display.application import Application
from masam_workbench.display.sliceview import SliceView
from masam_workbench.display.spaceview import SpaceView
from masam_workbench.display.view import View

ORIENTATIONS = {"Red": "Axial", "Green": "Coronal", "Yellow": "Sagittal"}
SPACE = "Space"
_GAP = 2  # pixels between the views in a screenshot


class Views:
    """Axial, coronal, sagittal and 3D view of one scene.

    Attributes:
        slices: by Slicer's names, Red, Green and Yellow.
        space: the 3D view.
    """

    def __init__(self, application: Application) -> None:
        scene, logic = application.scene, application.logic
        self.slices = {
            name: SliceView(scene, logic, name, orientation)
            for name, orientation in ORIENTATIONS.items()
        }
        self.space = SpaceView(scene, logic)
        self._looked = False
        self.slices["Red"].node.SetSliceVisible(True)  # in 3D, to see where one is

    def byName(self) -> dict[str, View]:
        """All four."""
        return {**self.slices, SPACE: self.space}

    def show(self, volumeNode: Any) -> None:
        """Make a volume the image of every slice view; all of it is seen, in its own planes."""
        for view in self.slices.values():
            view.setBackground(volumeNode)
            view.fit(volumeNode)
        self._looked = False
        self.space.fit()

    def lookOnce(self, node: Any) -> None:
        """Turn the 3D view to the first thing that is to be seen of an image."""
        if node is not None and not self._looked:
            self._looked = True
            self.space.fit(node)

    def draw(self) -> None:
        """All four are drawn again."""
        for view in self.byName().values():
            view.onChange()

    def picture(self) -> np.ndarray:
        """The four views as one picture, (height, width, 3) uint8: axial, 3D; coronal, sagittal."""
        order = ("Red", SPACE, "Green", "Yellow")
        parts = [self.byName()[name].toArray() for name in order]
        height = min(part.shape[0] for part in parts)
        width = min(part.shape[1] for part in parts)
        parts = [part[:height, :width] for part in parts]
        column = np.full((height, _GAP, 3), 48, np.uint8)
        rows = [np.hstack([parts[n], column, parts[n + 1]]) for n in (0, 2)]
        row = np.full((_GAP, rows[0].shape[1], 3), 48, np.uint8)
        return np.vstack([rows[0], row, rows[1]])
