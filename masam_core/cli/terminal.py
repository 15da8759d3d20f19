"""What a person reads: names and paths stand there as they are, and move nothing on the screen.

Every command prints through here. Nothing from outside is ever markup (rich takes ``[left]`` for
it), and no control character of a name reaches the terminal.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

from masam_core.errors import plain

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, ProgressColumn
    from rich.table import Table


def say(text: object, color: str | None = None, err: bool = False, end: bool = True) -> None:
    """Print a line; with ``err`` on stderr, without ``end`` no line break after it."""
    typer.secho(plain(text), fg=color, err=err, nl=end)


def warn(text: object) -> None:
    """Print a yellow line on stderr."""
    say(text, typer.colors.YELLOW, err=True)


def say_error(message: object) -> None:
    """Print a red line on stderr."""
    say(f"Error: {message}", typer.colors.RED, err=True)


def console(err: bool = False, quiet: bool = False) -> Console:
    """A rich console that takes text, also in tables, as it is."""
    from rich.console import Console
    from rich.text import Text

    class PlainConsole(Console):
        def render_str(self, text: str, **options: Any) -> Text:
            options |= {"markup": False, "emoji": False, "highlight": False}
            return super().render_str(plain(text), **options)

    return PlainConsole(stderr=err, quiet=quiet, markup=False, emoji=False, highlight=False)


def table(columns: Iterable[str], rows: Iterable[Sequence[object]], right: Sequence[str]) -> Table:
    """A table for :func:`console`.

    Args:
        columns: headings.
        rows: cells.
        right: headings of the columns of figures.
    """
    from rich.table import Table

    made = Table()
    for column in columns:
        made.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        made.add_row(*(str(cell) for cell in row))
    return made


def progress(*columns: ProgressColumn, words: bool = True, **options: Any) -> Progress:
    """Progress on stderr.

    Args:
        columns: of rich.
        words: begin with the task's description, as it is.
        options: of rich's Progress, such as ``transient``; ``quiet`` shows nothing.
    """
    from rich.progress import Progress, TextColumn

    first = [TextColumn("{task.description}", markup=False)] if words else []
    shown = console(err=True, quiet=options.pop("quiet", False))
    return Progress(*first, *columns, console=shown, **options)


def forgiving_streams() -> None:
    """Let stdout and stderr write out letters that their encoding lacks.

    A Windows console or pipe has one of 256 letters; a patient's name must not end the run.
    """
    for stream in (sys.stdout, sys.stderr):
        # Replaced by a program that runs this in its own process: its affair.
        with contextlib.suppress(AttributeError, ValueError, OSError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


class PlainGroup(TyperGroup):
    """A group of commands whose words on wrong usage are plain, too."""

    def make_context(self, *given: Any, **options: Any) -> Any:
        """Write as click does."""
        make = super().make_context
        return _with_plain_words(lambda: make(*given, **options))

    def invoke(self, ctx: Any) -> Any:
        """Write as click does."""
        invoke = super().invoke
        return _with_plain_words(lambda: invoke(ctx))


def _with_plain_words(work: Callable[[], Any]) -> Any:
    try:
        return work()
    except Exception as error:
        # click's usage errors, of whichever click typer brings: they repeat what was typed.
        if hasattr(error, "format_message") and isinstance(getattr(error, "message", None), str):
            error.message = plain(error.message)  # type: ignore[attr-defined]
        raise
