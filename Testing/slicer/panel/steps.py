"""What a person does with the panel, each step followed by a refresh that is sure to have come.

The panel's own comes after a moment, which is longer on a busy machine than one would wait.
"""

from __future__ import annotations

from typing import Any

from Testing.slicer.panel.conftest import Person


def settle(person: Person) -> None:
    """Let Qt work, and the panel take in what has changed."""
    person.wait(0.05)
    person.panel.refresh()


def choose(person: Person, volume: Any) -> None:
    """Choose a volume."""
    person.ui.volumeSelector.setCurrentNode(volume)
    settle(person)


def take(person: Person, roi: Any) -> Any:
    """Put a ROI of the scene into the list."""
    person.ui.roiSelector.setCurrentNode(roi)
    settle(person)
    person.ui.addRoiButton.click()
    settle(person)
    return person.lesions()[-1]


def segmentNow(person: Person) -> None:
    """Press the large button; the answer comes at once."""
    assert person.ui.segmentButton.enabled, person.ui.segmentButton.toolTip
    person.ui.segmentButton.click()
    settle(person)
