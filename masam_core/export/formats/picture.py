"""A picture of the lesions on the image."""

from __future__ import annotations

from pathlib import Path

from masam_core.export.formats.format import Format, Results


def _write(path: Path, results: Results) -> tuple[str, ...]:
    from masam_core.export.overlay.overlay import render_overlay  # matplotlib takes its time

    assert results.volume is not None
    render_overlay(path, results.volume, results.lesions)
    return ()


PICTURE = Format((".png",), "a picture", _write, masks=False, needs_volume=True, atomic=True)
