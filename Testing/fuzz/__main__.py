"""``python -m Testing.fuzz``: a long run of every kind; exit code 1 where there is a finding.

python -m Testing.fuzz --minutes 30
python -m Testing.fuzz --kinds "NRRD,ROI files" --minutes 5 --seed 7
python -m Testing.fuzz --replay "fuzz-findings/000 NRRD"
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from Testing.fuzz.pool import Child, Counts

PORTION = 40.0  # of cost, that a child is given at once


def main(arguments: list[str]) -> int:
    """Run what the arguments say."""
    parser = argparse.ArgumentParser(prog="python -m Testing.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0, help="how long it runs")
    parser.add_argument("--seed", type=int, default=None, help="makes a run repeatable")
    parser.add_argument("--kinds", default="", help="names with commas between; all if left out")
    parser.add_argument("--keep", type=Path, default=Path("fuzz-findings"), help="for findings")
    parser.add_argument("--replay", type=Path, help="a folder of a finding: once more, alone")
    parser.add_argument("--list", action="store_true", help="the kinds")
    given = parser.parse_args(arguments)
    if given.replay:
        return replay(given.replay)
    from Testing.fuzz.kinds.registry import NAMES

    chosen = [
        name.strip() for name in given.kinds.split(";" if ";" in given.kinds else ",") if name
    ]
    unknown = sorted(set(chosen) - set(NAMES))
    if given.list or unknown:
        print("\n".join([*NAMES, *(f"unknown: {name}" for name in unknown)]))
        return 2 if unknown else 0
    seed = random.randrange(1 << 32) if given.seed is None else given.seed
    return run(chosen or list(NAMES), seed, given.minutes, given.keep)


def run(names: list[str], seed: int, minutes: float, keep: Path) -> int:
    """Run kinds in turn until the time is over; what each is given depends on what it costs."""
    from Testing.fuzz.kinds.registry import kind as kind_of

    print(f"Seed {seed}; {minutes:g} minutes; findings go to {keep}", flush=True)
    counts, ends, said = Counts(), time.monotonic() + 60 * minutes, time.monotonic()
    child, number = Child(counts, keep), 0
    try:
        while time.monotonic() < ends:
            for name in names:
                kind = kind_of(name)
                portion = max(2, round(PORTION / kind.cost))
                child.work(name, seed + number, portion, kind.seconds, ends)
                if time.monotonic() >= ends:
                    break
            number += 1
            if time.monotonic() > said + 60:
                said = time.monotonic()
                print(
                    f"{counts.injections} injections, {len(counts.findings)} findings", flush=True
                )
    except KeyboardInterrupt:
        print("Stopped.")
    finally:
        child.end()
    print(counts.table())
    for found in counts.findings:
        print(f"\n{found.folder}\n  {found.key}\n  {found.words[-1500:]}")
    return 1 if counts.findings else 0


def replay(folder: Path) -> int:
    """Judge one injection that was kept, in this process."""
    from Testing.fuzz.child import judged
    from Testing.fuzz.injection import Injection
    from Testing.fuzz.kinds.registry import kind as kind_of

    name, injection = Injection.kept(folder)
    with tempfile.TemporaryDirectory() as room:
        verdict = judged(kind_of(name), injection, Path(room))
    print(f"{name}: {verdict.outcome}\n{verdict.words}")
    return int(verdict.is_finding)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
