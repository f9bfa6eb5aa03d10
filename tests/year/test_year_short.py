"""A year of simulated life in short: what `make year` does for a hundred onboardings, for a few of them over some weeks."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHORT = ["--seed", "2", "--onboardings", "5", "--days", "45"]
OFF = ("ledger_seconds_off", "rollups_wrong", "plans_doubled", "plans_lacking", "decisions_waiting", "sides_differing")


@pytest.mark.slow
def test_after_weeks_of_life_every_second_roll_up_and_plan_is_as_a_judge_of_its_own_has_it() -> None:
    command = [sys.executable, "bench/year.py", *SHORT]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, done.stderr[-4000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert {name: told[name] for name in OFF} == dict.fromkeys(OFF, 0)
    assert told["onboardings"] >= 5
    assert min(told["worklogs"], told["amendments"]) > 0, "weeks in which nobody did anything"
