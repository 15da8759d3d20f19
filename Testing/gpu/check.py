"""One run on a machine with an NVIDIA GPU, and one JSON document of what it found.

    python -m Testing.gpu.check --output h100.json [--minutes 8] [--only suite --only memory]

Tests that need a GPU; the literal procedure against ours, first and second box, peak memory;
recorded decoding on and off; half precisions against float32; running out of memory for real.
Each section is a process of its own, with a time of its own: one that fails, crashes the GPU or
hangs leaves the others alone, and what it had found by then is in the document already. A second
run into the same document keeps the sections that it does not run.

It needs what ``masam bench`` needs, and for the first section pytest, hypothesis and what the tests
of training import. Without the bundled weights (``Resources/Models``) it takes random ones.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from Testing.gpu.document import Document
from Testing.gpu.running import run_section

ROOT = Path(__file__).resolve().parents[2]
# What is run, in this order, and the most seconds of each.
SECTIONS = {
    "machine": 60.0,
    "suite": 180.0,
    "bundled": 120.0,
    "vit_b": 150.0,
    "graphs": 90.0,
    "precisions": 120.0,
    "memory": 90.0,
    "length": 60.0,
    "scale": 150.0,
}
LEAST_SECONDS = 5.0  # a section is not begun with less


def main(arguments: list[str] | None = None) -> int:
    """Run the sections; returns 0 where all that were run have succeeded."""
    parser = argparse.ArgumentParser(prog="Testing.gpu.check", description=__doc__.split("\n")[0])
    parser.add_argument("--output", type=Path, required=True, help="JSON file.")
    parser.add_argument("--minutes", type=float, default=8.0, help="For all sections together.")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--small", action="store_true", help="Tiny models: does the script work?")
    parser.add_argument("--only", action="append", choices=list(SECTIONS), help="Repeat for more.")
    given = parser.parse_args(arguments)
    document = Document.at(given.output)
    names = [name for name in SECTIONS if name in (given.only or SECTIONS)]
    ending = time.monotonic() + 60 * given.minutes
    failed = False
    for name in names:
        left = ending - time.monotonic()
        if left < LEAST_SECONDS:
            document.end(name, "not run", 0.0, "no time was left")
            failed = True
            continue
        print(f"{name} ...", flush=True)
        document.begin(name)
        command = [sys.executable, "-m", "Testing.gpu.sections", name, given.device]
        done = run_section(
            [*command, *(["--small"] if given.small else [])],
            min(left, SECTIONS[name]),
            lambda message, name=name: document.take(name, message),
            ROOT,
        )
        document.end(name, done.state, done.seconds, done.error)
        failed = failed or done.state != "done"
        print(f"{name}: {done.state} in {done.seconds:.1f} s  {done.error}", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
