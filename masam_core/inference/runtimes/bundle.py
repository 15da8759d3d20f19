"""Make the archive that comes with MASAM anew: ``python -m masam_core.inference.runtimes.bundle``.

To be done whenever the bundled model, the corrector, or what their networks do has changed; the
digest that it prints goes into ``masam_core.catalog.bundled``.
"""

from __future__ import annotations

import sys
from pathlib import Path

from masam_core.catalog.bundled import OPENVINO, bundled_model_path
from masam_core.catalog.resolve import load_by_name
from masam_core.digest import sha256_of
from masam_core.errors import MasamError
from masam_core.inference.runtimes.borrowing import SOURCE, bundled_tensors
from masam_core.inference.runtimes.conversion import write_archive


def main(file: Path | None = None) -> int:
    """Write the archive beside the bundled model, or elsewhere; returns the exit code."""
    try:
        target = file or bundled_model_path().with_name(OPENVINO)
        write_archive(load_by_name("bundled"), target, bundled_tensors(), SOURCE)
    except MasamError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    print(f"Wrote {target} ({target.stat().st_size / 1e6:.2f} MB, sha256 {sha256_of(target)})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
