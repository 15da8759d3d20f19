"""Every kind of injections, in the order in which they are counted."""

from __future__ import annotations

from functools import cache

from Testing.fuzz.injection import Kind


@cache
def kinds() -> dict[str, Kind]:
    """All kinds by name; loading them loads the product."""
    from Testing.fuzz.kinds import (
        archives,
        command_line,
        dicom,
        frames,
        gate,
        images,
        killing,
        prompts,
        settings,
        tables,
        weights,
        writing,
    )

    modules = (
        *(images, dicom, archives, prompts, settings, tables, weights, frames, gate),
        *(command_line, writing, killing),
    )
    return {kind.name: kind for module in modules for kind in module.KINDS}
