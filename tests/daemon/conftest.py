"""Daemons on stages: in this process on virtual time, or as the command in a process of its own."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sync.demo.stage import Stage

ROOT = Path(__file__).parent.parent.parent

Spawn = Callable[[Stage], tuple[subprocess.Popen[str], str]]


@pytest.fixture
def stage() -> Iterator[Stage]:
    """A simulator whose three vendors stand ready, looked at once."""
    with Stage(engine={"settle_seconds": 0, "lease_seconds": 5}) as made:
        # A daemon of its own process lives in real time: virtual time is never behind it.
        made.sleep((datetime.now(UTC) - made.clock.now()).total_seconds() + 60)
        made.sweep()
        yield made


@pytest.fixture
def spawn() -> Iterator[Spawn]:
    """Start `closedwon daemon` and return its process and the address of its health pages."""
    started: list[subprocess.Popen[str]] = []

    def starter(stage: Stage) -> tuple[subprocess.Popen[str], str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "sync.cli", "--log-level", "info", "daemon", "-c", str(stage.config), "--port", "0"],
            cwd=ROOT,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stderr
        line = process.stderr.readline()
        assert line.startswith("Running. http://"), line
        return process, line.split()[1].removesuffix("/readyz")

    yield starter
    for process in started:
        process.send_signal(signal.SIGKILL)
        process.communicate()
