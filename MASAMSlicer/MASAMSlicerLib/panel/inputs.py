"""Inputs: volume, segmentation, model, device."""

from __future__ import annotations

from typing import Any

from slicer.i18n import tr as _

from ..wording import breakable, deviceWords, memoryWords
from . import settings
from .combobox import choose, fill
from .context import PanelContext

BROWSE = "browse"


class Inputs:
    """Model and device choosers; volume and segmentation are bound to the parameter node."""

    def __init__(self, context: PanelContext) -> None:
        self.context, self.ui = context, context.ui
        self.models: dict[str, dict[str, Any]] = {}
        self.devices: list[dict[str, Any]] = []
        self._asked: Any = None
        self._entries: dict[str, str] = {}
        self._described: dict[str, dict[str, Any]] = {}  # files that are in no list
        self._fillModels()
        self._fillDevices()
        self.ui.modelComboBox.connect("activated(int)", self._onModel)
        self.ui.deviceComboBox.connect("activated(int)", self._onDevice)
        self.ui.modelDownloadButton.clicked.connect(self._onDownload)
        self.ui.modelVerifyButton.clicked.connect(self._onVerify)

    def refresh(self) -> None:
        """Show what the parameter node says."""
        name = self.context.parameters.model
        self._fillModels()
        known = self.models.get(name)
        purpose = known["purpose"] if known else _("A file of your own: {path}").format(path=name)
        if known and not known["here"]:
            purpose += " " + (_("Not here yet.") if known["downloadable"] else known["how"])
        self.ui.modelLabel.text = breakable(purpose)
        downloadable = bool(known and known["downloadable"] and not known["here"])
        self.ui.modelDownloadButton.visible = downloadable
        asked = _("Wait until the download or the check has ended.")
        self.context.enable(self.ui.modelDownloadButton, self._asked is None, asked)
        self.ui.modelVerifyButton.visible = bool(known and known["here"] and name != "bundled")
        self.context.enable(self.ui.modelVerifyButton, self._asked is None, asked)

    @property
    def asking(self) -> bool:
        """Whether a model is being downloaded or verified."""
        return self._asked is not None

    def modelIsHere(self) -> bool:
        """Whether the chosen model can be loaded, as far as is known."""
        known = self.models.get(self.context.parameters.model)
        return known is None or bool(known["here"])

    def chosenModel(self) -> dict[str, Any] | None:
        """What is known of the chosen model; of a file the worker is asked, once it is there."""
        name = self.context.parameters.model
        known = self.models.get(name) or self._described.get(name)
        if known is None and self.devices:

            def done(answer: dict[str, Any]) -> None:
                self._described[name] = answer
                self.context.refreshSoon()

            self._described[name] = {}  # not again, whatever becomes of it
            self.context.ask("describe_model", {"model": name}, done, lambda _: None)
        return known

    def askWorker(self) -> None:
        """Fill models and devices from the worker's side, which may be another machine."""
        # A file that the worker before could not read, this one perhaps can.
        self._described = {name: row for name, row in self._described.items() if row}
        self.context.ask("devices", {}, self._onDevices)
        self.context.ask("models", {}, self._onModels)

    def _onDevices(self, answer: dict[str, Any]) -> None:
        self.devices = answer["devices"]
        self._fillDevices()
        self.context.refreshSoon()

    def _onModels(self, answer: dict[str, Any]) -> None:
        self.models = {model["name"]: model for model in answer["models"]}
        self.refresh()
        self.context.refreshSoon()

    def _fillModels(self) -> None:
        if not self.models:
            bundled = {
                "name": "bundled",
                "purpose": _("Tumours in CT and MR from a tight box; comes with MASAM."),
                "here": True,
                "downloadable": False,
                "how": "",
                "prompts": True,
                "automatic": False,
                "classes": [],
            }
            self.models = {"bundled": bundled}
        box, chosen = self.ui.modelComboBox, self.context.parameters.model
        names = list(self.models) + ([chosen] if chosen not in self.models else [])
        entries = {}
        for name in names:
            here = self.models.get(name, {"here": True})["here"]
            entries[name] = name if here else _("{name} (not here)").format(name=name)
        entries[BROWSE] = _("Browse for a file ...")
        if entries != self._entries:  # not at each refresh: that would close the open list
            fill(box, entries)
            self._entries = entries
        choose(box, chosen)

    def _onModel(self, index: int) -> None:
        name = self.ui.modelComboBox.itemData(index)
        if name == BROWSE:
            name = self.context.askForFile(_("Choose a model"), "(*.safetensors *.pth *.pt)")
        if name:
            self.context.parameters.model = name
        self.refresh()
        self.context.refreshSoon()

    def _fillDevices(self) -> None:
        box, chosen = self.ui.deviceComboBox, str(settings.read("device"))
        names: list[str] = ["auto", *(device["name"] for device in self.devices)]
        names += [chosen] if chosen not in names else []
        labels = {d["name"]: f"{d['name']}: {d['label']}{memoryWords(d)}" for d in self.devices}
        labels["auto"] = _("Best available")
        fill(box, {name: labels.get(name, name) for name in names})
        choose(box, chosen)
        self._describeDevice()

    def _describeDevice(self) -> None:
        chosen = str(settings.read("device"))
        self.ui.deviceLabel.text = deviceWords(self.devices, chosen)

    def _onDevice(self, index: int) -> None:
        settings.write("device", self.ui.deviceComboBox.itemData(index))
        self._describeDevice()
        self.context.refreshSoon()

    def _onDownload(self) -> None:
        name = self.context.parameters.model

        def done(_answer: dict[str, Any]) -> None:
            self._asked = None
            self.context.say(_("{name} is here and was checked.").format(name=name))
            self.context.ask("models", {}, self._onModels)

        self._ask("download_model", name, done)

    def _onVerify(self) -> None:
        name = self.context.parameters.model

        def done(answer: dict[str, Any]) -> None:
            self._asked = None
            words = {
                True: _("{name} is the published file."),
                False: _("{name} is NOT the published file. Delete it and download it again."),
                None: _("No digest is published for {name}; this file's is {sha256}."),
            }[answer["matches"]]
            self.context.say(words.format(name=name, sha256=answer["sha256"]))
            self.refresh()

        self._ask("verify_model", name, done)

    def _ask(self, kind: str, name: str, done: Any) -> None:
        def failed(error: Exception) -> None:
            self._asked = None
            self.context.sayError(error)
            self.refresh()

        self._asked = kind
        self.context.ask(kind, {"name": name}, done, failed, self.context.showProgress)
        self.refresh()
