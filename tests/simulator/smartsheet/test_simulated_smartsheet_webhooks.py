"""Webhooks: handshake, signature, order, retries, and how they come to be disabled."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from simulated_smartsheet import Account, refused


class Receiver:
    """A callback URL: keeps what it gets and answers as told."""

    def __init__(self) -> None:
        self.calls: list[tuple[dict[str, str], bytes]] = []
        self.status = 200
        self.echo: bool | str = True
        self.arrived = threading.Semaphore(0)
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                challenge = self.headers.get("Smartsheet-Hook-Challenge")
                self.send_response(200 if challenge else outer.status)
                if challenge and outer.echo is True:
                    self.send_header("Smartsheet-Hook-Response", challenge)
                said = json.dumps({"smartsheetHookResponse": challenge} if outer.echo == "json" else {}).encode()
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)
                if not challenge:
                    outer.calls.append(({name.lower(): value for name, value in self.headers.items()}, body))
                    outer.arrived.release()

            def log_message(self, *_: Any) -> None:
                """Stay quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hook"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def wait(self, number: int = 1) -> None:
        for _ in range(number):
            assert self.arrived.acquire(timeout=60), "no callback came"

    def events(self) -> list[dict[str, Any]]:
        return [event for _, body in self.calls for event in json.loads(body).get("events", [])]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


def register(account: Account, sheet: int, url: str, **more: Any) -> int:
    body = {"name": "w", "callbackUrl": url, "scope": "sheet", "scopeObjectId": sheet, "events": ["*.*"], "version": 1}
    made = account.call("POST", "/webhooks", {**body, **more}).json()["result"]
    assert (made["enabled"], made["status"]) == (False, "NEW_NOT_VERIFIED")
    return made["id"]


def enable(account: Account, webhook: int) -> dict[str, Any]:
    return account.call("PUT", f"/webhooks/{webhook}", {"enabled": True}).json()["result"]


def settle(account: Account, webhook: int, status: str) -> dict[str, Any]:
    """Poll until the courier's thread has told the webhook about an answer."""
    for _ in range(500):
        shown = account.get(f"/webhooks/{webhook}")
        if shown["status"] == status:
            return shown
        threading.Event().wait(0.005)
    raise AssertionError(shown)


def test_a_webhook_is_enabled_only_when_the_receiver_echoes_the_challenge(account: Account, receiver: Receiver):
    sheet, _ = account.sheet()
    webhook = register(account, sheet, receiver.url)
    receiver.echo = False
    assert enable(account, webhook)["status"] == "DISABLED_VERIFICATION_FAILED"
    receiver.echo = "json"
    assert enable(account, webhook)["status"] == "ENABLED"


def test_the_receiver_is_verified_anew_every_100_callbacks(account: Account, receiver: Receiver):
    sheet, columns = account.sheet()
    webhook = register(account, sheet, receiver.url)
    enable(account, webhook)
    account.vendor.webhooks.all[webhook].sent = 100
    receiver.echo = False
    account.add(sheet, columns["Task"], "a")
    settle(account, webhook, "DISABLED_VERIFICATION_FAILED")
    assert receiver.calls == []


def test_a_lost_callback_is_gone_and_the_next_one_still_comes(account: Account, receiver: Receiver):
    sheet, columns = account.sheet()
    enable(account, register(account, sheet, receiver.url))
    account.world.courier.knobs["loss"] = 1.0
    account.add(sheet, columns["Task"], "a")
    account.world.courier.knobs["loss"] = 0.0
    (row,) = account.add(sheet, columns["Task"], "b")
    receiver.wait()
    assert [event["id"] for event in receiver.events()] == [row]


def test_callbacks_are_signed_and_skinny_and_carry_the_change_agent(account: Account, receiver: Receiver):
    sheet, columns = account.sheet()
    webhook = register(account, sheet, receiver.url)
    secret = enable(account, webhook)["sharedSecret"]
    client = account.sdk()
    client.with_change_agent("closedwon")
    account.session.headers["Smartsheet-Change-Agent"] = "closedwon"
    (row,) = account.add(sheet, columns["Task"], "secret text")
    del account.session.headers["Smartsheet-Change-Agent"]
    receiver.wait()
    headers, body = receiver.calls[0]
    assert headers["smartsheet-hmac-sha256"] == hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    assert b"secret text" not in body
    told = json.loads(body)
    assert (told["webhookId"], told["scopeObjectId"]) == (webhook, sheet)
    (event,) = told["events"]
    assert (event["objectType"], event["eventType"], event["id"]) == ("row", "created", row)
    assert event["changeAgent"] == "closedwon"


def test_a_persons_edit_is_told_without_an_agent_and_deletes_pass_a_subscope(account: Account, receiver: Receiver):
    sheet, columns = account.sheet()
    a, b = account.add(sheet, columns["Task"], "a", "b")
    enable(account, register(account, sheet, receiver.url, subscope={"columnIds": [columns["Done"]]}))
    account.vendor.act("set_cell", {"sheet": sheet, "row": a, "column": "Task", "value": "x"})
    account.vendor.act("tick_row", {"sheet": sheet, "row": a})
    receiver.wait()
    account.vendor.act("delete_row", {"sheet": sheet, "row": b})
    receiver.wait()
    kinds = [(event["objectType"], event["eventType"]) for event in receiver.events()]
    assert kinds == [("cell", "updated"), ("row", "deleted")]
    assert all("changeAgent" not in event for event in receiver.events())


@pytest.mark.parametrize("status", [201, 204, 302, 410])
def test_an_answer_that_is_not_200_disables_at_once_and_loses_what_follows(
    account: Account, receiver: Receiver, status: int
):
    sheet, columns = account.sheet()
    webhook = register(account, sheet, receiver.url)
    enable(account, webhook)
    receiver.status = status
    account.add(sheet, columns["Task"], "a")
    receiver.wait()
    settle(account, webhook, "DISABLED_CALLBACK_FAILED")
    account.add(sheet, columns["Task"], "b")
    assert len(receiver.calls) == 1


def test_a_failing_receiver_is_tried_again_with_the_same_body_while_later_edits_wait(
    account: Account, receiver: Receiver
):
    sheet, columns = account.sheet()
    webhook = register(account, sheet, receiver.url)
    enable(account, webhook)
    receiver.status = 500
    account.add(sheet, columns["Task"], "a")
    receiver.wait()
    account.add(sheet, columns["Task"], "b")
    account.add(sheet, columns["Task"], "c")
    receiver.status = 200
    for _ in range(500):
        with account.world.lock:
            account.world.clock.advance(20)
        if receiver.arrived.acquire(timeout=0.01):
            break
    receiver.wait()
    bodies = [body for _, body in receiver.calls]
    assert bodies[0] == bodies[1]
    assert len(json.loads(bodies[2])["events"]) == 2
    assert account.get(f"/webhooks/{webhook}")["enabled"]


def test_a_receiver_that_stays_down_is_given_up(account: Account, receiver: Receiver):
    account.vendor.knobs["webhook_retries"] = 1
    sheet, columns = account.sheet()
    webhook = register(account, sheet, receiver.url)
    enable(account, webhook)
    receiver.status = 503
    account.add(sheet, columns["Task"], "a")
    receiver.wait()
    for _ in range(500):
        with account.world.lock:
            account.world.clock.advance(20)
        if receiver.arrived.acquire(timeout=0.01):
            break
    settle(account, webhook, "DISABLED_CALLBACK_FAILED")


def test_a_deleted_sheet_disables_its_webhooks(account: Account, receiver: Receiver):
    sheet, _ = account.sheet()
    webhook = register(account, sheet, receiver.url)
    enable(account, webhook)
    account.call("DELETE", f"/sheets/{sheet}")
    assert account.get(f"/webhooks/{webhook}")["status"] == "DISABLED_SCOPE_INACCESSIBLE"
    receiver.wait()
    assert json.loads(receiver.calls[0][1])["newWebhookStatus"] == "DISABLED_SCOPE_INACCESSIBLE"


def test_twin_webhooks_collapse_to_the_oldest(account: Account, receiver: Receiver):
    sheet, columns = account.sheet()
    first, second = register(account, sheet, receiver.url), register(account, sheet, receiver.url)
    enable(account, first)
    enable(account, second)
    account.add(sheet, columns["Task"], "a")
    account.add(sheet, columns["Task"], "b")
    receiver.wait(2)
    assert {json.loads(body)["webhookId"] for _, body in receiver.calls} == {first}


def test_a_webhook_is_checked_and_its_scope_is_fixed_and_its_list_has_no_totals(account: Account, receiver: Receiver):
    sheet, _ = account.sheet()
    body = {
        "name": "w",
        "callbackUrl": receiver.url,
        "scope": "sheet",
        "scopeObjectId": sheet,
        "events": ["*.*"],
        "version": 1,
    }
    refused(account.call("POST", "/webhooks", {**body, "callbackUrl": "http://example.com/x"}), 400, 1152)
    refused(account.call("POST", "/webhooks", {**body, "callbackUrl": "https://example.com:9999/x"}), 400, 1031)
    refused(account.call("POST", "/webhooks", {**body, "scope": "workspace"}), 400, 1031)
    refused(account.call("POST", "/webhooks", {**body, "scopeObjectId": 5}), 400, 1151)
    webhook = register(account, sheet, receiver.url)
    refused(account.call("PUT", f"/webhooks/{webhook}", {"scopeObjectId": 5}), 400, 1032)
    client = account.sdk()
    listed = client.Webhooks.list_webhooks()
    assert (listed.total_count, [each.id for each in listed.data]) == (-1, [webhook])
    old = account.get(f"/webhooks/{webhook}")["sharedSecret"]
    assert client.Webhooks.reset_shared_secret(webhook).result.shared_secret != old
    client.Webhooks.delete_webhook(webhook)
    refused(account.call("GET", f"/webhooks/{webhook}"), 404, 1006)
