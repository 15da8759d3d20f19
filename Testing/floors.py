"""Hold the floors of the house (contracts in pyproject.toml): ``python -m Testing.floors``."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    """Run import-linter on this checkout; returns its exit code."""
    from importlinter.cli import lint_imports

    sys.path[:0] = [str(ROOT), str(ROOT / "MASAMSlicer")]
    return lint_imports(str(ROOT / "pyproject.toml"), no_cache=True, no_logo=True)


if __name__ == "__main__":
    sys.exit(main())
