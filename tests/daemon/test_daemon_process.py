"""`closedwon daemon` as operators have it: a process that gets signals and is asked over HTTP."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable

import psutil
import pytest

from sync.demo.stage import Stage

pytestmark = pytest.mark.real_time

Spawn = Callable[[Stage], tuple[subprocess.Popen[str], str]]


def until(happened: Callable[[], object], seconds: float = 60.0) -> float:
    began = time.monotonic()
    while not happened():
        assert time.monotonic() - began < seconds, "it never happened"
        time.sleep(0.02)
    return time.monotonic() - began


def get(address: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def planned(stage: Stage) -> Callable[[], bool]:
    return lambda: stage.plant.store.counts()["onboardings"] > 0 and stage.plant.store.counts()["dirty"] == 0


def test_an_accepted_event_becomes_a_plan_and_the_figures_tell_of_it(stage: Stage, spawn: Spawn) -> None:
    process, address = spawn(stage)
    assert get(address + "/healthz") == (200, '{"status": "ok"}')
    stage.plant.store.accept("crm", [("e1", [stage.win(name="Acme", account="Acme")])])
    until(planned(stage))
    until(lambda: 'closedwon_writes_total{connection="crm",kind="rollup"} 1.0' in get(address + "/metrics")[1])
    figures = get(address + "/metrics")[1]
    # The sweep of the full minute may make it look once more: how many batches there were is nobody's promise.
    assert float(re.findall(r"^closedwon_batch_seconds_count (.*)$", figures, re.MULTILINE)[0]) >= 1
    assert "closedwon_onboardings 1.0" in figures
    until(lambda: "closedwon_dirty 0.0" in get(address + "/metrics")[1])
    assert 'closedwon_calls_total{connection="tracker",endpoint="POST /rest/api/3/issue/bulk",status="201"}' in figures
    assert "closedwon_call_seconds_bucket" in figures
    assert get(address + "/readyz") == (200, '{"status": "ok"}')
    assert get(address + "/other")[0] == 404
    process.terminate()
    assert process.wait(10) == 0
    assert process.stderr
    lines = [json.loads(line) for line in process.stderr]
    *batches, run = lines
    assert {line["event"] for line in batches} == {"batch"}
    assert sum(line["planned"] for line in batches) == 1
    assert (run["event"], run["exit"]) == ("run", 0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_in_the_middle_it_ends_in_time_and_nothing_is_doubled(
    stage: Stage, spawn: Spawn, number: signal.Signals
) -> None:
    process, _ = spawn(stage)
    stage.simulator.world.faults.add(
        "delay", vendor="jira", endpoint="POST /rest/api/3/issue/bulk", args={"seconds": 1.5}
    )
    stage.plant.store.accept("crm", [("e1", [stage.win(name="Acme", account="Acme")])])
    until(lambda: stage.simulator.world.faults.hits.get("delay"))
    process.send_signal(number)
    assert process.wait(10) == 0
    stage.sleep(120)
    stage.sweep()
    proof = stage.prove()
    assert proof.sound, proof.examples
    assert proof.onboardings == 1


def test_a_vendor_that_does_not_answer_cannot_hold_up_the_end_and_its_create_is_found_again(
    stage: Stage, spawn: Spawn
) -> None:
    process, _ = spawn(stage)
    stage.simulator.world.faults.add(
        "delay", vendor="jira", endpoint="POST /rest/api/3/issue/bulk", after=True, args={"seconds": 20}
    )
    stage.plant.store.accept("crm", [("e1", [stage.win(name="Acme", account="Acme")])])
    until(lambda: stage.simulator.world.faults.hits.get("delay"))
    process.terminate()
    assert process.wait(10) == 6
    assert stage.plant.store.owners() == ()
    assert stage.plant.store.counts()["open_intents"] > 0
    stage.sleep(120)
    stage.sweep()
    proof = stage.prove()
    assert proof.sound, proof.examples
    assert proof.onboardings == 1
    assert stage.plant.store.counts()["open_intents"] == 0


def test_an_idle_daemon_costs_next_to_nothing(stage: Stage, spawn: Spawn) -> None:
    process, _ = spawn(stage)
    time.sleep(1.5)  # its first sweep, and the waits that grow
    if (second := time.time() % 60) > 55:
        time.sleep(62 - second)  # the sweep of the full minute is not idleness
    running = psutil.Process(process.pid)
    before = running.cpu_times()
    time.sleep(3)
    after = running.cpu_times()
    assert (after.user + after.system) - (before.user + before.system) <= 0.01 * 3 + 0.01  # the counter's own step
