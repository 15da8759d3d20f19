"""The queue at many cases, on a clock of its own."""

from __future__ import annotations

import math

import pytest

from masam_core.cluster.simulate import Found, Plan, main, simulate, slopes


def test_every_case_ends_once_though_workers_die() -> None:
    plan = Plan(workers=8, seconds=10.0, hours_to_death=0.05)
    found = simulate(1500, plan)
    assert found.deaths > 50  # 10 s of 180 s for each case, in both ways to run it
    assert 0.2 < found.busy < 1
    # All the work on eight workers, the time that deaths cost, and the last shard's surplus.
    assert 1500 * 10 / 8 / 3600 < found.hours < 3 * 1500 * 10 / 8 / 3600
    assert simulate(1500, plan).hours == found.hours


def test_slopes_are_those_of_powers() -> None:
    results = [Found(n, {"linear": 3e-6 * n, "square": 1e-9 * n * n}) for n in (10, 100, 1000)]
    assert slopes(results) == pytest.approx({"linear": 1, "square": 2})
    assert math.isnan(slopes([Found(n, {"quick": 0.0}) for n in (10, 100)])["quick"])


def test_the_command_prints_each_step_and_its_slope(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--cases", "200", "400", "--workers", "4"]) == 0
    said = capsys.readouterr().out
    assert said.count("every case ended once") == 2
    assert said.count("(1 is linear)") == 5
    with pytest.raises(SystemExit):
        main(["--cases", "200"])
