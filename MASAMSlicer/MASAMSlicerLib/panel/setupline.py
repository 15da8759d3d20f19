"""The folded section's title: model, device, quality and output in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slicer.i18n import tr as _

from ..wording import deviceName, modelName, setupLine
from . import settings

if TYPE_CHECKING:
    from .panel import Panel


class SetupLine:
    """Says what is chosen while the choosers themselves are folded away."""

    def __init__(self, panel: Panel) -> None:
        self.panel, self.ui = panel, panel.ui

    def refresh(self) -> None:
        """Write the line, and what it had to shorten into its tool tip."""
        parameters = self.panel.parameters
        model = modelName(parameters.model)
        device = deviceName(self.panel.inputs.devices, str(settings.read("device")))
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
