"""The table of measurements as a file of its own."""

from __future__ import annotations

from pathlib import Path

from masam_core.export.formats.format import Format, Results


def _write(path: Path, results: Results) -> tuple[str, ...]:
    from masam_core.export.measurements import measurement_rows, write_measurements

    assert results.volume is not None
    write_measurements(path, measurement_rows(results.lesions, results.volume))
    return ()


TABLE = Format((".csv",), "a table", _write, masks=False, needs_volume=True, atomic=True)
