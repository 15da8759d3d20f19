"""The folded section's title: model, device, quality and output in one line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from slicer.i18n import tr as _

from ..wording import deviceName, modelName, setupLine
from . import settings
from .context import PanelContext


class SetupLine:
    """Says what is chosen while the choosers themselves are folded away.

    Args:
        context: of the panel.
        devices: what the worker has said about its devices; empty until it has.
    """

    def __init__(self, context: PanelContext, devices: Callable[[], list[dict[str, Any]]]) -> None:
        self.context, self.ui = context, context.ui
        self._devices = devices

    def refresh(self) -> None:
        """Write the line, and what it had to shorten into its tool tip."""
        parameters = self.context.parameters
        model = modelName(parameters.model)
        device = deviceName(self._devices(), str(settings.read("device")))
        quality = str(parameters.quality)
        node = parameters.segmentation
        output = node.GetName() if node is not None else _("a new segmentation")
        line = setupLine(model, device, quality)
        self.ui.inputsCollapsibleButton.text = line.replace("&", "&&")  # else it marks a key
        lines = [
            _("Model: {name}").format(name=model),
            _("Device: {name}").format(name=device),
            _("Quality: {name}").format(name=quality),
            _("New lesions go into: {name}").format(name=output),
        ]
        command = str(settings.read("workerCommand")).strip()
        if command:
            lines.append(_("Computed by: {command}").format(command=command))
        self.ui.inputsCollapsibleButton.toolTip = "\n".join(lines)
