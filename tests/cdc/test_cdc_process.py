"""The commands that listen, as processes on the machine's own clock."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from cdc_rig import DEALS, LINES, Org, until

from sync.demo.stage import Stage

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.real_time


@contextmanager
def running(stage: Stage, *command: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """Run a command until the block ends, and yield what it said first."""
    process = subprocess.Popen(
        [sys.executable, "-m", "sync.cli", *command, "--json", "--config", str(stage.config)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    try:
        assert process.stdout is not None
        yield process, orjson.loads(process.stdout.readline() or "{}")
    finally:
        process.kill()
        process.communicate(timeout=60)


def on_real_time(stage: Stage) -> Org:
    with stage.simulator.world.lock:
        stage.clock.set(datetime.now(UTC))
        stage.clock.freeze(frozen=False)
    return Org(stage.simulator, stage.clock)


@pytest.mark.parametrize(
    "command", [["receiver", "--port", "0"], ["up", "--port", "0", "--health-port", "0"]], ids=["receiver", "up"]
)
def test_a_won_deal_is_heard_and_brought_about_and_the_process_ends_in_order(template: str, command: list[str]) -> None:
    # No schedule is due, so that what happens comes of the stream alone.
    never = {"sweep": "0 0 1 1 *", "full": "", "verify": ""}
    with Stage(templates=[template], ports={"pubsub": 0}, schedules=never) as stage:
        org = on_real_time(stage)
        org.knob("cdc_keepalive_seconds", 0.5)  # so that both streams stand somewhere soon
        with running(stage, *command) as (process, told):
            assert told["streams"] == [DEALS, LINES]
            until(lambda: all(stage.plant.store.cursor("crm", f"stream {topic}") for topic in (DEALS, LINES)), 120)
            org.win("Acme")
            until(lambda: stage.plant.store.counts()["onboardings"] == 1, 120)
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=60) == 0
