"""The worked example on the page is what the command prints."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_worked_example_is_what_the_command_prints() -> None:
    environment = {**os.environ, "COLUMNS": "100", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "bench.hours_example"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True, timeout=600)
    printed = "\n".join(line.rstrip() for line in done.stdout.rstrip().splitlines())
    page = (ROOT / "docs" / "hours.md").read_text(encoding="utf-8")
    assert textwrap.indent(printed, "    ", lambda _line: True) in page
