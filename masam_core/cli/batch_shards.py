"""What `masam batch` says of shards, and of the table of all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from masam_core.cli.common import ERROR, plural, print_json
from masam_core.cli.terminal import say
from masam_core.errors import ConfigError

if TYPE_CHECKING:
    from masam_core.batch.case import BatchCase
    from masam_core.batch.merging import Merged
    from masam_core.batch.shards import Shard


def require_one(ways: Mapping[str, object]) -> None:
    """Refuse more than one way to run a batch on several processes.

    Args:
        ways: options and what was given of each; None where it was not.

    Raises:
        ConfigError: two were given.
    """
    given = [option for option, value in ways.items() if value is not None]
    if len(given) > 1:
        raise ConfigError(f"{' and '.join(given)} exclude each other; give one of them.")


def merged_of(out: Path, cases: Sequence[BatchCase], as_json: bool) -> None:
    """Write table and report of a folder of results, and tell what is in them.

    Raises:
        ConfigError: there are no results.
        typer.Exit: a case has failed, as for a batch.
    """
    from masam_core.batch.merging import merge
    from masam_core.batch.states import holds_results

    if not holds_results(out):
        raise ConfigError(f"{out} holds no results of a batch that could be put together.")
    tell_merged(merge(out, [case.name for case in cases]), out, as_json)


def tell_merged(merged: Merged, out: Path, as_json: bool, whole: bool = True) -> None:
    """Say what table and report hold.

    Args:
        merged: what they hold.
        out: folder of the results.
        as_json: as JSON.
        whole: False where the run was stopped, which its caller tells.

    Raises:
        typer.Exit: it was not stopped, and a case has failed.
    """
    from masam_core.batch.merging import REPORT_FILE
    from masam_core.batch.states import DONE, FAILED, PENDING, TABLE_FILE

    total = sum(merged.counts.values())
    if as_json:
        counts = {status: merged.counts[status] for status in (DONE, FAILED, PENDING)}
        print_json(
            {
                "output": str(out),
                "cases": total,
                **counts,
                "lesions": merged.lesions,
                "failures": [{"case": name, "message": text} for name, text in merged.failed],
            }
        )
    else:
        say(
            f"{plural(total, 'case')}: {merged.summary} Table and report: {out / TABLE_FILE}, "
            f"{out / REPORT_FILE}"
        )
    if whole and merged.counts[FAILED]:
        raise typer.Exit(ERROR)


def shard_words(shard: Shard, merged: Merged | None, out: Path) -> str:
    """Whether the shard that has ended was the last one."""
    if merged is None:
        return (
            f"Shard {shard} has ended; the last one of all writes the table. For the table so far: "
            "--merge."
        )
    return f"All {shard.count} shards have ended: {merged.summary} Table and report are in {out}."
