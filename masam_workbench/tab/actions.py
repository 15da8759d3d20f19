"""What the page may ask for, by name; there is nothing else that it can call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from masam_workbench.tab.tab import Tab


def actionsOf(tab: Tab) -> dict[str, Callable[..., Any]]:
    """The actions of a tab; each takes what the page sends with its name."""
    return {
        "openSample": tab.images.openSample,
        "uploaded": tab.uploads.opened,
        "uploadFailed": tab.uploads.failed,
        "chooseSeries": tab.images.chooseSeries,
        "continueWork": lambda work: tab.continuing.take(tab.images, work),
        "forgetWork": tab.continuing.forget,
        "stepFrame": tab.images.stepFrame,
        "preset": tab.images.choosePreset,
        "newBox": tab.boxes.new,
        "moveBox": tab.boxes.move,
        "setEnd": tab.boxes.setEnd,
        "correct": tab.correcting.correct,
        "first": tab.correcting.first,
        "movePrompt": tab.correcting.movePrompt,
        "deletePrompt": tab.correcting.deletePrompt,
        "extend": tab.correcting.extend,
        "confirm": tab.correcting.confirm,
        "paint": tab.correcting.paint,
        "smooth": tab.correcting.smooth,
        "grow": tab.correcting.grow,
        "keepPiece": tab.correcting.keepPiece,
        "removePiece": tab.correcting.removePiece,
        "interpolate": tab.correcting.interpolate,
        "tool": tab.chooseTool,
        "follow": tab.running.setFollow,
        "leave": lambda: _leave(tab),
        "segment": lambda: _press(tab),
        "segmentAll": tab.structures.press,
        "tickClass": tab.structures.tick,
        "tickAll": tab.structures.tickAll,
        "toggleStructure": tab.structures.toggle,
        "again": tab.running.again,
        "model": tab.running.setModel,
        "threshold": tab.running.setThreshold,
        "diameterPlane": tab.measuring.setPlane,
        "undo": tab.running.undo,
        "redo": tab.running.redo,
        "toggleMasks": tab.appearance.toggleMasks,
        "select": tab.context.select,
        "next": tab.rows.actions.goToNext,
        "rename": tab.rows.rename,
        "recolor": tab.rows.recolor,
        "kind": tab.rows.setKind,
        "lock": tab.rows.toggleLock,
        "visible": tab.rows.toggleVisible,
        "delete": tab.rows.delete,
        "save": tab.saving.save,
        "improve": tab.improve.press,
        "takeModel": tab.improve.take,
        "improveClosed": tab.improve.close,
        "nextUploaded": tab.nextStudy.uploaded,
        "nextFetch": tab.nextStudy.fetch,
        "followLook": tab.nextStudy.press,
        "followTake": tab.nextStudy.take,
        "followDrop": tab.nextStudy.drop,
        "followBecame": tab.nextStudy.became,
        "followNode": tab.nextStudy.node,
        "followDate": tab.nextStudy.date,
        "followSave": tab.nextStudy.save,
        "followDicom": tab.nextDicom.press,
        "pacsFind": tab.archive.find,
        "pacsFetch": tab.archive.fetch,
        "pacsSend": tab.archive.send,
        "pacsCancel": tab.archive.cancel,
        "check": tab.checking.press,
        "checked": tab.checking.dismiss,
    }


def _press(tab: Tab) -> None:
    """The large button: it ends what is going on, else it begins a run."""
    if not tab.images.cancel():
        tab.running.runner.press()


def _leave(tab: Tab) -> None:
    """Esc."""
    if not tab.checking.dismiss() and not tab.images.cancel():
        tab.chooseTool("none")
