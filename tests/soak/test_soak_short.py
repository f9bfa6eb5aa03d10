"""The soak test in short: seconds of what `make soak` does for minutes, on both engines."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HARD = ["--faults", "0.1", "--edit-every", "0.25", "--kill-every", "3", "5"]
SHORT = ["--minutes", "0.2", "--deals", "5", "--daemons", "2", *HARD]


@pytest.mark.slow
@pytest.mark.real_time
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_after_a_short_life_of_faults_losses_and_kills_all_is_equal_and_nothing_is_lost(engine: str) -> None:
    command = [sys.executable, "bench/soak.py", "--engine", engine, *SHORT]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr[-4000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["engine"] == engine
    assert {told[name] for name in ("unequal", "duplicates", "lacking", "strays", "events_lost", "ledger_off")} == {0}
    assert told["onboardings"] == 5
    assert min(told[name] for name in ("events_accepted", "kills", "faults")) > 0, "a soak in which nothing went wrong"
