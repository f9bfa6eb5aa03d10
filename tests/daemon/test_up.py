"""`closedwon up` as operators have it: one process that hears, works and ends as one."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from simulator.jira.webhooks import signature
from sync.demo.stage import Stage

pytestmark = pytest.mark.real_time

ROOT = Path(__file__).parent.parent.parent
PATH = "tracker-0123456789-secret-path"
SECRET = "It's a Secret to Everybody"
CRM_PATH = "crm-0123456789-secret-path"

Start = Callable[[Stage], tuple[subprocess.Popen[str], dict]]


@pytest.fixture
def hearing_stage() -> Iterator[Stage]:
    """A stage on the machine's own time whose CRM and Jira are heard, and which is asked for changes by nobody."""
    heard = {"crm": {"hook_path": CRM_PATH}, "tracker": {"hook_path": PATH, "hook_secret": SECRET}}
    quiet = {"sweep": "0 3 29 2 *"}  # so that what happens, happens because it was heard
    with Stage(engine={"settle_seconds": 0, "lease_seconds": 5}, schedules=quiet, **heard) as made:
        made.sleep((datetime.now(UTC) - made.clock.now()).total_seconds() + 60)
        made.sweep()
        yield made


@pytest.fixture
def start() -> Iterator[Start]:
    """Start `closedwon up`; return its process and what it says of itself."""
    started: list[subprocess.Popen[str]] = []

    def starter(stage: Stage) -> tuple[subprocess.Popen[str], dict]:
        command = [sys.executable, "-m", "sync.cli", "--log-level", "info", "up", "-c", str(stage.config)]
        process = subprocess.Popen(
            [*command, "--port", "0", "--health-port", "0", "--json"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout
        return process, json.loads(process.stdout.readline())

    yield starter
    for process in started:
        process.send_signal(signal.SIGKILL)
        process.communicate()


def until(happened: Callable[[], object], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.02)


def get(address: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(address, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def subscribe(stage: Stage, url: str) -> None:
    """Have Salesforce send an outbound message for every change of a deal."""
    args = {"object": "Opportunity", "url": f"{url}/hooks/crm/{CRM_PATH}", "fields": ["StageName"]}
    with stage.simulator.world.lock:
        stage.simulator.salesforce.act("add_outbound_message", args)


def close_a_task(stage: Stage, url: str) -> str:
    """Have an engineer close a task, and Jira tell of it; return the task's row."""
    item = next(b for b in stage.plant.store.bindings_of("tracker") if b.item != "plan")
    with stage.simulator.world.lock:
        stage.simulator.jira.act("close_task", {"issue": item.ref.id, "who": "ada@example.com"})
    told = {"timestamp": int(time.time() * 1000), "webhookEvent": "jira:issue_updated", "issue": {"id": item.ref.id}}
    body = json.dumps(told).encode()
    parts = urlsplit(url)
    line = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
    headers = {"Content-Type": "application/json", "X-Hub-Signature": signature(SECRET, body)}
    line.request("POST", f"/hooks/tracker/{PATH}", body, headers)
    assert line.getresponse().status == 200
    return item.item


def test_what_a_vendor_tells_becomes_a_plan_at_once_and_one_signal_ends_it_all(
    hearing_stage: Stage, start: Start
) -> None:
    stage = hearing_stage
    process, told = start(stage)
    assert told["receiver"]["connections"] == ["crm", "tracker"]
    hears, health = told["receiver"]["url"], told["health"]
    subscribe(stage, hears)
    key = stage.win(name="Acme", account="Acme")
    store = stage.plant.store
    until(lambda: store.counts()["onboardings"] == 1 and store.counts()["dirty"] == 0)
    item = close_a_task(stage, hears)
    until(lambda: store.load([key])[key].base.get(item, {}).get("status") == "done")
    assert get(f"{hears}/healthz") == (200, "ok\n")
    assert get(f"{health}/healthz") == (200, '{"status": "ok"}')
    assert get(f"{health}/readyz") == (200, '{"status": "ok"}')
    figures = get(f"{health}/metrics")[1]
    assert 'closedwon_deliveries_total{connection="tracker",outcome="accepted"} 1.0' in figures
    assert "closedwon_onboardings 1.0" in figures
    began = time.monotonic()
    process.terminate()
    assert process.wait(20) == 0
    assert time.monotonic() - began < 10
    assert process.stderr
    lines = [json.loads(line) for line in process.stderr]
    assert {line["event"] for line in lines} >= {"batch", "deliveries", "run"}
    assert (lines[-1]["event"], lines[-1]["exit"]) == ("run", 0)


def test_a_vendor_that_does_not_answer_cannot_hold_up_the_end_of_either(hearing_stage: Stage, start: Start) -> None:
    stage = hearing_stage
    process, told = start(stage)
    subscribe(stage, told["receiver"]["url"])
    stage.simulator.world.faults.add(
        "delay", vendor="jira", endpoint="POST /rest/api/3/issue/bulk", after=True, args={"seconds": 30}
    )
    stage.win(name="Acme", account="Acme")
    until(lambda: stage.simulator.world.faults.hits.get("delay"))
    process.terminate()
    assert process.wait(20) == 6
    assert stage.plant.store.owners() == ()  # what it held was handed back


def test_where_no_connection_hears_it_goes_by_looking_and_says_so(stage: Stage, start: Start) -> None:
    stage.win(name="Acme", account="Acme")
    process, told = start(stage)
    assert told["receiver"] is None
    until(lambda: stage.plant.store.counts()["onboardings"] == 1)
    process.terminate()
    assert process.wait(20) == 0
