"""Some weeks of a real CRM export, which nobody here wrote; `make crm-export` does the same with all of it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXPORT = ROOT.parent / "shared" / "data" / "crm"
WEEKS = ["--since", "2017-10-05", "--until", "2017-10-31"]
DEALS = 248
ZEROS = ("held", "waiting", "unequal", "duplicates", "lacking", "strays")


@pytest.mark.slow
@pytest.mark.skipif(not EXPORT.is_dir(), reason="the CRM export is not beside this checkout")
def test_won_deals_become_plans_within_the_call_floors_and_a_killed_run_ends_the_same() -> None:
    command = [sys.executable, "bench/crm_export.py", *WEEKS]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=900)
    told = json.loads(done.stdout.splitlines()[-1])
    clean, resumed = told["undisturbed"], told["resumed"]
    assert (told["deals"], clean["planned"], clean["onboardings"], resumed["onboardings"]) == (DEALS,) * 4
    assert {run[zero] for run in (clean, resumed) for zero in ZEROS} == {0}
    assert max(clean["calls_to_floor"].values()) <= 1.05
    assert resumed["killed"]
    assert 0 < resumed["planned_before"] <= DEALS  # they share one batch, whose epics come first
    assert min(resumed["open_intents_before"], resumed["adopted"]) > 0
    assert (resumed["open_intents"], resumed["second_run_writes"], done.returncode) == (0, 0, 0)
