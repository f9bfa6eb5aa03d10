"""What an idle daemon costs, in small: bench/idle.py measures it with 10,000 onboardings (`make idle`)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.real_time
def test_an_idle_cycle_costs_five_calls_and_its_daemon_little_memory() -> None:
    command = [sys.executable, ROOT / "bench" / "idle.py", "--onboardings", "60", "--minutes", "0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=True, cwd=ROOT)
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["onboardings"] == 60
    assert told["calls_per_cycle"] <= 5
    assert told["rss_mb"] < 120
