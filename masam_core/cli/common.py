"""What every command shares: errors in plain words, exit codes, one JSON document."""

from __future__ import annotations

import functools
import json
import os
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import typer

from masam_core.cli.interrupt import interruptible
from masam_core.cli.terminal import say_error
from masam_core.errors import Cancelled, MasamError

Command = TypeVar("Command", bound=Callable[..., Any])

ERROR, INTERRUPTED = 1, 130


def reported(command: Command) -> Command:
    """Turn errors into one line and an exit code.

    1 is an error, 2 wrong usage (typer's own), 130 Ctrl-C. With MASAM_DEBUG=1 the traceback shows.
    """

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        with interruptible() as interrupted:
            try:
                return command(*args, **kwargs)
            except typer.Exit:
                raise
            except (KeyboardInterrupt, Cancelled):
                say_error("Stopped.")
                raise typer.Exit(INTERRUPTED) from None
            except Exception as error:
                if interrupted():  # within an import, which made an error of its own of it
                    say_error("Stopped.")
                    raise typer.Exit(INTERRUPTED) from None
                if os.environ.get("MASAM_DEBUG"):
                    raise
                say_error(_in_words(error))
                raise typer.Exit(ERROR) from None

    return run  # type: ignore[return-value]


def _in_words(error: Exception) -> str:
    if isinstance(error, MasamError):
        return str(error)
    if isinstance(error, ModuleNotFoundError) and (error.name or "").split(".")[0] == "torch":
        return (
            "This needs PyTorch, which is not installed. Install it with: "
            'python -m pip install "masam[torch]"'
        )
    if isinstance(error, MemoryError):
        return "The memory is not enough for this."
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}." if error.filename else f"{error.strerror}."
    return (
        f"Something unforeseen happened ({type(error).__name__}: {error}). "
        "Set MASAM_DEBUG=1 to see where, and please report it."
    )


def print_json(document: Any) -> None:
    """One JSON document on stdout, and nothing else there."""
    # Plain ASCII, because a Windows pipe may have an encoding that lacks a name's letters.
    text = json.dumps(document, indent=2, allow_nan=False)
    sys.stdout.write(text.replace("\x7f", "\\u007f") + "\n")


def plural(count: int, word: str) -> str:
    """``1 box``, ``2 boxes``."""
    ending = "es" if word.endswith(("x", "s")) else "s"
    return f"{count} {word}" if count == 1 else f"{count} {word}{ending}"
