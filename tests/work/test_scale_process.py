"""Work at scale as operators have it: daemons and a receiver that only accepts, each a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from work_engines import until

from sync.demo.stage import Stage
from sync.hooks import address, hearing

pytestmark = [pytest.mark.real_time, pytest.mark.slow]

ROOT = Path(__file__).parent.parent.parent
NEVER = {"sweep": "", "full": "", "verify": "", "cleanup": "", "webhooks": ""}

Spawn = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def stage(new_postgres: Callable[[], str]) -> Iterator[Stage]:
    """A simulator whose deals are told to whoever hears, and a store for many hosts. Nothing is found by schedule."""
    engine = {"runner": "procrastinate", "settle_seconds": 0, "lease_seconds": 5}
    crm = {"hook_path": "crm-0123456789-scale-path"}
    with Stage(store=new_postgres(), engine=engine, schedules=NEVER, crm=crm) as made:
        # Processes of their own live in real time: virtual time is never behind it.
        made.sleep((datetime.now(UTC) - made.clock.now()).total_seconds() + 60)
        made.sweep()
        yield made


@pytest.fixture
def spawn(stage: Stage) -> Iterator[Spawn]:
    """Start a command and wait for its first line."""
    started: list[subprocess.Popen[str]] = []

    def starter(*words: str) -> tuple[subprocess.Popen[str], str]:
        command = [sys.executable, "-m", "sync.cli", "--log-level", "info", *words, "-c", str(stage.config)]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        started.append(process)
        assert process.stdout
        return process, process.stdout.readline()

    yield starter
    for process in started:
        process.kill()
        process.communicate()


def test_what_a_receiver_accepted_becomes_a_plan_once_on_one_of_two_daemons(stage: Stage, spawn: Spawn) -> None:
    daemons = [spawn("daemon", "--port", "0")[0] for _ in range(2)]
    receiver, told = spawn("receiver", "--accept-only", "--json", "--port", "0")
    url = json.loads(told)["url"] + address("crm", hearing(stage.plant.connections)["crm"])
    with stage.simulator.world.lock:
        message = {"object": "Opportunity", "url": url, "fields": ["StageName"]}
        stage.simulator.salesforce.act("add_outbound_message", message)
    for name in ("Acme", "Betatech", "Cortado"):
        stage.win(name=name, account=name)

    def planned() -> bool:
        counts = stage.plant.store.counts()
        return counts["onboardings"] == 3 and counts["dirty"] == 0

    until(planned)
    for process in (receiver, *daemons):
        process.terminate()
    for process in (receiver, *daemons):
        lines, _ = process.communicate(timeout=15)
        assert process.returncode == 0, lines
        assert "DEFECT" not in lines
    stage.settle()
    stage.sweep()
    proof = stage.prove()
    assert proof.sound, proof.examples
    assert proof.onboardings == 3
