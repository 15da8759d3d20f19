"""Corrections: clicks, scribbles and lassos, lines to begin with, and the side that cuts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from slicer.i18n import tr as _

from ..control.promptactions import PromptActions
from ..scene import views
from ..scene.drawing import Drawing
from ..scene.extendable import extendable
from ..scene.promptnodes import LASSO, LINE, POINT, SCRIBBLE, SLICE_BOX
from ..scene.sidemark import SideMarks
from ..wording import extendWords
from .context import PanelContext


@dataclass(frozen=True)
class Tool:
    """What is drawn with the mouse.

    Attributes:
        kind: of the prompt.
        positive: whether it belongs to the lesion.
        first: whether a lesion begins with it.
    """

    kind: str
    positive: bool = True
    first: bool = False


YES, NOT = Tool(POINT), Tool(POINT, positive=False)
SCRIBBLES = (Tool(SCRIBBLE), Tool(SCRIBBLE, positive=False))
LASSOS = (Tool(LASSO), Tool(LASSO, positive=False))
LINE_TOOL, SLICE_BOX_TOOL = Tool(LINE, first=True), Tool(SLICE_BOX, first=True)


class Corrections:
    """The buttons that take a tool, and the one that extends a box.

    Each tool is put away when something has been drawn with it, and the answer is asked for at
    once. Prompts are moved by their handles, and deleted by Slicer's own menu on them or by undo.

    Args:
        context: of the panel.
        actions: what is done with a prompt that was drawn.
        leaveTools: puts every tool away.
        problem: why nothing can be segmented, or an empty text.
    """

    def __init__(
        self,
        context: PanelContext,
        actions: PromptActions,
        leaveTools: Callable[[], None],
        problem: Callable[[], str],
    ) -> None:
        self.context, self.ui, self._actions = context, context.ui, actions
        self._leaveTools, self._problem = leaveTools, problem
        self._marks = SideMarks(context.session.scene)
        self._tool: Tool | None = None
        self._drawing: Drawing | None = None
        self._side = ""
        self._buttons = {
            self.ui.pointButton: (YES,),
            self.ui.notPointButton: (NOT,),
            self.ui.scribbleButton: SCRIBBLES,
            self.ui.lassoButton: LASSOS,
            self.ui.lineButton: (LINE_TOOL,),
            self.ui.sliceBoxButton: (SLICE_BOX_TOOL,),
        }
        for button, tools in self._buttons.items():
            # By clicks, not by what is checked: that follows the tool.
            button.clicked.connect(lambda *_, own=tools: self.toggle(own))
        self.ui.extendButton.clicked.connect(lambda *_: self._onExtend())
        self.ui.confirmButton.clicked.connect(lambda *_: self._onConfirm())
        self.ui.extendButton.visible = False

    def refresh(self) -> None:
        """Enable what can be done; mark the sides at which the selected lesion is cut off."""
        context = self.context
        problem = _("Choose a volume first.") if context.volume is None else self._problem()
        lesion = context.selected
        locked = lesion is not None and lesion.locked
        begins = lesion is None
        first = _("Begin with a box (B), a line (R) or a click on the lesion (P).")
        unlock = _("This lesion is locked. Unlock it to correct it.")
        for button, tools in self._buttons.items():
            needsLesion = not tools[0].first and tools != (YES,)
            why = problem or (first if needsLesion and begins else "")
            if not why and locked and not tools[0].first:
                why = unlock
            context.enable(button, not why, why)
            button.checked = self._tool in tools
        for button, tools, words in (
            (self.ui.scribbleButton, SCRIBBLES, _("Scribble  (S)")),
            (self.ui.lassoButton, LASSOS, _("Lasso  (L)")),
        ):
            active = self._tool if self._tool in tools else None
            signs = {None: "", True: "+ ", False: "\N{MINUS SIGN} "}
            button.text = signs[active.positive if active is not None else None] + words
        hasMask = lesion is not None and lesion.segment is not None
        context.enable(self.ui.confirmButton, hasMask, _("There is no segment to confirm yet."))
        self.ui.confirmButton.checked = lesion is not None and lesion.confirmed
        sides = extendable(lesion) if lesion is not None else []
        self._marks.show(sides)
        self._side = sides[0].side if sides else ""
        self.ui.extendButton.visible = bool(sides)
        if sides:
            self.ui.extendButton.text = extendWords(self._side)
            wait = _("Wait until the run has ended, or cancel it.")
            context.enable(self.ui.extendButton, not context.session.busy, wait)

    def toggle(self, tools: tuple[Tool, ...]) -> None:
        """Take a tool; again, its other sign if it has one, and then put it away."""
        button = next(each for each, own in self._buttons.items() if own == tools)
        if not button.enabled:
            return
        if self._tool in tools:
            place = tools.index(self._tool) + 1
            chosen = tools[place] if place < len(tools) else None
        else:
            chosen = tools[0]
        self._leaveTools()
        if chosen is not None:
            self._take(chosen)
        self.context.refreshSoon()
        self.refresh()

    def stop(self) -> None:
        """Put the tool away; what was drawn so far is not taken."""
        drawing, self._drawing, self._tool = self._drawing, None, None
        if drawing is not None:
            drawing.end()
            self.context.refreshSoon()

    def onInteractionMode(self) -> None:
        """Slicer has left its mode for placing: the prompt is drawn, or the user has left it."""
        drawing, tool = self._drawing, self._tool
        if drawing is None or tool is None or views.isPlacing(self.context.session.scene):
            return
        self._drawing = self._tool = None
        points = drawing.end()
        self.context.dropOldMessage()
        if len(points) >= _least(tool):
            if tool.first:
                target = self.context.parameters.segmentation
                self._actions.first(tool.kind, points, target)
            else:
                self._actions.correct(self.context.chosen, tool.kind, tool.positive, points)
        self.context.refreshSoon()

    def leave(self) -> None:
        """Another module is shown: its views need no marks of ours."""
        self.stop()
        self._marks.remove()

    def _take(self, tool: Tool) -> None:
        self._tool = tool
        self._drawing = Drawing(self.context.session.scene, tool.kind, tool.positive)
        self.context.say(_hint(tool), holds=lambda: self._tool is tool)

    def _onExtend(self) -> None:
        lesion = self.context.selected
        if lesion is not None and self._side:
            self._actions.extend(lesion.id, self._side)

    def _onConfirm(self) -> None:
        self._actions.confirm(self.context.chosen, bool(self.ui.confirmButton.checked))


def _least(tool: Tool) -> int:
    """Fewest points that are something."""
    return {POINT: 1, SCRIBBLE: 1, LASSO: 3, LINE: 2, SLICE_BOX: 2}[tool.kind]


def _hint(tool: Tool) -> str:
    """What to do with the mouse now."""
    if tool.kind == LINE:
        return _("Click both ends of the lesion's longest diameter in a slice.")
    if tool.kind == SLICE_BOX:
        return _("Click two opposite corners around the lesion in one slice.")
    if tool.kind == POINT:
        if tool.positive:
            return _("Click where the lesion was missed.")
        return _("Click where the mask goes beyond the lesion.")
    if tool.kind == SCRIBBLE:
        if tool.positive:
            return _(
                "Click along what belongs to the lesion; right-click ends it. S again: what does "
                "not belong."
            )
        return _("Click along what does not belong to the lesion; right-click ends it.")
    if tool.positive:
        return _(
            "Click around what belongs to the lesion; right-click ends it. L again: what does not "
            "belong."
        )
    return _("Click around what does not belong to the lesion; right-click ends it.")
