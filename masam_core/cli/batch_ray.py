"""`masam batch --ray`: actors of Ray, with progress and an end of all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from masam_core.cli.batch_bar import Bar
from masam_core.cli.batch_shards import tell_merged
from masam_core.cli.common import INTERRUPTED, plural
from masam_core.cli.terminal import say, warn

if TYPE_CHECKING:
    from masam_core.batch.spec import BatchSpec


def batch_on_ray(
    spec: BatchSpec, address: str, workers: int | None, cores: int | None, as_json: bool
) -> None:
    """Run a batch on Ray to its end, or to Ctrl-C.

    Args:
        spec: of the batch.
        address: of the cluster, or ``auto``.
        workers: actors; None is as many as there is room for.
        cores: of each without a GPU; None is the default.
        as_json: tell at the end as JSON.

    Raises:
        ConfigError: there is no Ray, or the batch can't begin.
        typer.Exit: a case failed, or Ctrl-C.
    """
    from masam_core.cluster.ray_batch import CORES, RayPlan, open_on_ray

    with open_on_ray(spec, RayPlan(address, workers or 0, cores or CORES)) as batch:
        for note in batch.notes:
            warn(note)
        say(
            f"{plural(len(batch.queue.cases), 'case')} on {batch.where}, "
            f"{plural(batch.workers, 'worker')}. Ctrl-C ends them all.",
            err=True,
        )
        with Bar(batch.queue, quiet=as_json) as bar:
            whole = batch.run(bar.on_case)
    if not whole:
        say("Stopped, and no worker is left; the same command goes on.", err=True)
    if batch.merged is not None:
        tell_merged(batch.merged, spec.out, as_json, whole)
    if not whole:
        raise typer.Exit(INTERRUPTED)
