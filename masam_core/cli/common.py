"""What every command shares: errors in plain words, exit codes, one JSON document."""

from __future__ import annotations

import functools
import json
import os
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import typer

from masam_core.errors import Cancelled, MasamError

Command = TypeVar("Command", bound=Callable[..., Any])

ERROR, INTERRUPTED = 1, 130


def reported(command: Command) -> Command:
    """Turn errors that a user can act on into one line and an exit code.

    1 is an error, 2 wrong usage (typer's own), 130 Ctrl-C. With MASAM_DEBUG=1 the traceback shows.
    """

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except MasamError as error:
            if os.environ.get("MASAM_DEBUG"):
                raise
            say_error(str(error))
            raise typer.Exit(ERROR) from None
        except (KeyboardInterrupt, Cancelled):
            say_error("Stopped; nothing was written.")
            raise typer.Exit(INTERRUPTED) from None

    return run  # type: ignore[return-value]


def say_error(message: str) -> None:
    """One red line on stderr."""
    typer.secho(f"Error: {message}", fg=typer.colors.RED, err=True)


def print_json(document: Any) -> None:
    """One JSON document on stdout, and nothing else there."""
    json.dump(document, sys.stdout, indent=2, ensure_ascii=False, allow_nan=False)
    sys.stdout.write("\n")


def plural(count: int, word: str) -> str:
    """``1 box``, ``2 boxes``."""
    ending = "es" if word.endswith(("x", "s")) else "s"
    return f"{count} {word}" if count == 1 else f"{count} {word}{ending}"
