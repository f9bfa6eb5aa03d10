"""The receiver as a process: killed under load, told to stop, its store away, a vendor that hangs."""

from __future__ import annotations

import asyncio
import http.client
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from hooks_rig import CALLOUT_SECRET, JIRA_SECRET, PATHS, act, serving, until
from pydantic import SecretStr, ValidationError

from connectors.events import Event
from connectors.jira import JiraSettings
from simulator.jira.webhooks import signature
from sync.cli.app import main
from sync.cli.guarded import guarded
from sync.cli.receiver import hands_of
from sync.config import load_config
from sync.core.model import Priority
from sync.demo.stage import Stage
from sync.receiver import Receiver, app
from sync.receiver.keeping import Keeper
from sync.store import Store
from sync.usage import standings
from sync.wiring import real_now

pytestmark = pytest.mark.real_time

ROOT = Path(__file__).parents[2]


def post(receiver: Receiver, connection: str, body: bytes, **headers: str) -> tuple[int, bytes]:
    line = http.client.HTTPConnection(receiver.host, receiver.port, timeout=20)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    line.request(
        "POST", f"/hooks/{connection}/{PATHS[connection]}", body, {"Content-Type": "application/json", **named}
    )
    response = line.getresponse()
    return response.status, response.read()


def post_jira(stage: Stage, receiver: Receiver, issue: str) -> tuple[int, bytes]:
    stamp = int(stage.clock.now().timestamp() * 1000)
    body = orjson.dumps({"timestamp": stamp, "webhookEvent": "jira:issue_updated", "issue": {"id": issue}})
    return post(receiver, "tracker", body, X_Hub_Signature=signature(JIRA_SECRET, body))


def test_killed_under_load_the_receiver_loses_nothing_that_it_acknowledged() -> None:
    command = [sys.executable, ROOT / "bench" / "receiver_load.py", "--seconds", "4", "--rate", "300"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True, cwd=ROOT)
    told = orjson.loads(done.stdout.splitlines()[-1])
    assert told["kills"] == 1
    assert told["acknowledged"] > 300
    assert told["lost"] == 0
    assert told["persisted"] >= told["acknowledged"]
    assert told["exit"] == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_it_ends_in_order_and_soon(stage: Stage, number: int) -> None:
    command = [sys.executable, "-m", "sync.cli", "receiver", "--port", "0", "--json", "--config", str(stage.config)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        told = orjson.loads(process.stdout.readline())
        assert told["connections"] == ["crm", "sheets", "tracker"]
        line = http.client.HTTPConnection("127.0.0.1", int(told["url"].rpartition(":")[2]), timeout=10)
        line.request("GET", "/healthz")
        assert line.getresponse().status == 200
        began = time.monotonic()
        process.send_signal(number)
        _, said = process.communicate(timeout=15)
        assert process.returncode == 0, said
        assert time.monotonic() - began < 10
        assert "Traceback" not in said
    finally:
        process.kill()


def test_told_to_stop_before_it_serves_it_does_not_serve(stage: Stage) -> None:
    command = [sys.executable, "-m", "sync.cli", "receiver", "--port", "0", "--json", "--config", str(stage.config)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)  # at once: most likely before its loop runs
        assert process.wait(timeout=10) == 0
    finally:
        process.kill()


def test_no_secret_of_a_webhook_is_logged_printed_or_stored(stage: Stage) -> None:
    with stage.simulator.world.lock:
        stage.clock.set(datetime.now(UTC))  # the process goes by the machine's
    stage.win(name="Acme", account="Acme")
    stage.sweep()
    command = [sys.executable, "-m", "sync.cli", "--log-level", "debug", "receiver", "--port", "0", "--json"]
    process = subprocess.Popen(
        [*command, "--config", str(stage.config)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
    )
    try:
        url = orjson.loads(process.stdout.readline())["url"]
        assert main(["webhooks", "install", "--url", url, "--config", str(stage.config)]) == 0
        row = next(b.ref for b in stage.plant.store.bindings_of("sheets") if b.item == "prepare")
        act(stage, "smartsheet", "tick_row", sheet=row.container, row=int(row.id), who="dan@example.com")
        task = next(b.ref.id for b in stage.plant.store.bindings_of("tracker") if b.item == "prepare")
        until(lambda: stage.simulator.jira.site.issue(task).status.name == "Done")
        for path in PATHS.values():
            line = http.client.HTTPConnection("127.0.0.1", int(url.rpartition(":")[2]), timeout=10)
            line.request("POST", f"/hooks/tracker/{path}", b"{}", {"Content-Type": "application/json"})
            assert line.getresponse().status in {403, 404}
        process.send_signal(signal.SIGTERM)
        out, said = process.communicate(timeout=15)
    finally:
        process.kill()
    [hook] = stage.simulator.smartsheet.webhooks.all.values()
    secrets = (*PATHS.values(), JIRA_SECRET, CALLOUT_SECRET, hook.secret)
    kept = b"".join(file.read_bytes() for file in stage.folder.glob("closedwon.db*"))
    assert b"tracker" in kept
    assert '"deliveries"' in said
    assert [secret for secret in secrets if secret in out + said or secret.encode() in kept] == []


def test_a_receiver_whom_no_connection_gives_a_path_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    with Stage() as deaf:
        assert main(["receiver", "--config", str(deaf.config)]) == 3
    assert "HOOKS-02" in capsys.readouterr().err


def test_nothing_is_acknowledged_while_the_store_is_away(stage: Stage) -> None:
    with serving(stage, working=False) as receiver:
        with stage.plant.store._database.write() as database:
            database.exec_driver_sql("ALTER TABLE inbox RENAME TO away")
        assert post_jira(stage, receiver, "1") == (503, b"")
        with stage.plant.store._database.write() as database:
            database.exec_driver_sql("ALTER TABLE away RENAME TO inbox")
        assert post_jira(stage, receiver, "1") == (200, b"")


def test_a_vendor_that_hangs_holds_up_no_other_connections_events(stage: Stage) -> None:
    stage.simulator.world.faults.add("delay", vendor="smartsheet", args={"seconds": 1.5}, times=20)
    body = {"nonce": "n", "timestamp": "2026-11-02T09:00:00Z", "scopeObjectId": 1, "events": []}
    with serving(stage, working=False) as receiver, ThreadPoolExecutor(20) as pool:
        for number in range(20):
            callback = orjson.dumps({"webhookId": number, **body})
            pool.submit(post, receiver, "sheets", callback, Smartsheet_Hmac_SHA256="00" * 32)
        until(lambda: stage.simulator.world.count("smartsheet"))
        began = time.monotonic()
        assert post_jira(stage, receiver, "1") == (200, b"")
        assert time.monotonic() - began < 1
        stage.simulator.world.faults.clear()


def test_a_body_that_does_not_come_is_not_waited_for(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "READ_SECONDS", 0.2)
    with serving(stage, working=False) as receiver:
        line = socket.create_connection((receiver.host, receiver.port), timeout=5)
        head = f"POST /hooks/tracker/{PATHS['tracker']} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        line.sendall(f"{head}Content-Length: 100\r\n\r\n{{".encode())
        assert line.recv(1000).startswith(b"HTTP/1.1 408")
        line.close()


def test_what_arrives_together_is_committed_together(database: str) -> None:
    commits = threading.Semaphore(0)

    async def keep_all(store: Store) -> None:
        keeper = Keeper(store, kept=commits.release)
        await asyncio.gather(*(keeper.keep("tracker", [Event(f"e{n}", (str(n),))]) for n in range(300)))
        keeper.close()

    with Store.open(database, clock=lambda: datetime.now(UTC)) as store:
        asyncio.run(keep_all(store))
        assert len(store.take_events(1000)) == 300
    assert commits._value == 1


def test_what_came_is_told_as_numbers_at_the_end(stage: Stage) -> None:
    told: list[dict[tuple[str, str], int]] = []
    with serving(stage, working=False, told=told.append) as receiver:
        post_jira(stage, receiver, "1")
        post(receiver, "tracker", b"{}", X_Hub_Signature="sha256=0")
    assert told == [{("tracker", "accepted"): 1, ("tracker", "EVENT-SENDER-01"): 1}]


@pytest.mark.parametrize("path", ["short", "with/slash/0123456789", "ümlaut-0123456789-0123456789", ""])
def test_a_path_that_could_be_guessed_or_mistaken_is_refused(path: str) -> None:
    given = {"url": "https://acme.atlassian.net", "email": "a@b", "token": "t", "project": "ONB"}
    with pytest.raises(ValidationError, match="hook_path"):
        JiraSettings.model_validate({**given, "hook_path": SecretStr(path), "hook_secret": "s"})


def test_jira_is_not_heard_without_a_secret() -> None:
    given = {"url": "https://acme.atlassian.net", "email": "a@b", "token": "t", "project": "ONB"}
    with pytest.raises(ValidationError, match="hook_path needs hook_secret"):
        JiraSettings.model_validate({**given, "hook_path": PATHS["tracker"]})


def test_a_receiver_that_works_alone_keeps_what_it_uses_of_each_quota(stage: Stage) -> None:
    deal = stage.win(name="Acme", account="Acme")
    made = guarded(load_config(stage.config))
    usage = made.usage()
    hands = hands_of(made, usage)
    made.plant.store.request([deal], Priority.LIVE)
    hands.start()
    until(lambda: "crm" in standings(made.plant.store, real_now()))
    assert hands.stop(60)
    assert {name: stand.left is not None for name, stand in standings(made.plant.store, real_now()).items()} == {
        "crm": True,
        "tracker": False,
        "sheets": False,
    }
    usage.end()
    (kept,) = made.plant.store.kept("usage")
    assert kept.name == "crm ended"  # what the vendor said last outlives the process
    made.plant.close()
