"""Strangers at the receiver's doors: what they send, what they hear (nothing), and what is kept of it (nothing)."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import socket
import time
from collections.abc import Iterator

import orjson
import pytest
from hooks_rig import CALLOUT_SECRET, HEARING, JIRA_SECRET, PATHS, TEMPLATE, serving

from sync.demo.stage import Stage
from sync.receiver import Receiver

SOAP = "text/xml; charset=utf-8"
JSON = "application/json"
MAX_BODY = 200_000


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    template = tmp_path_factory.mktemp("templates") / "small.yaml"
    template.write_text(TEMPLATE, encoding="utf-8")
    with Stage(templates=[str(template)], **HEARING) as stage:
        stage.win(name="Acme", account="Acme")
        stage.sweep()
        yield stage


@pytest.fixture(scope="module")
def receiver(stage: Stage) -> Iterator[Receiver]:
    with serving(stage, max_body=MAX_BODY) as receiver:
        yield receiver


def send(
    receiver: Receiver, connection: str, body: bytes, kind: str, *, method: str = "POST", path: str = "", **headers: str
) -> tuple[int, bytes, dict[str, str]]:
    connected = http.client.HTTPConnection(receiver.host, receiver.port, timeout=10)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    target = path or f"/hooks/{connection}/{PATHS[connection]}"
    try:
        connected.request(method, target, body, {"Content-Type": kind, **named})
        response = connected.getresponse()
        return response.status, response.read(), {name.lower(): value for name, value in response.getheaders()}
    finally:
        connected.close()


def refused(answer: tuple[int, bytes, dict[str, str]], status: int) -> None:
    """Assert a bare refusal: a status, and not a word about why, by whom or with what."""
    assert answer[0] == status
    assert answer[1] == b""
    assert set(answer[2]) <= {"content-length", "date", "connection", "retry-after"}


def outbound(stage: Stage, notifications: int = 1, *, org: str = "", deal: str = "006Wx0000012345AAA") -> bytes:
    told = "".join(
        f"<Notification><Id>04lWx{n:013}</Id><sObject><sf:Id>{deal}</sf:Id></sObject></Notification>"
        for n in range(notifications)
    )
    return (
        '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
        '<notifications xmlns="http://soap.sforce.com/2005/09/outbound" xmlns:sf="urn:sobject.enterprise.soap.sforce.com">'
        f"<OrganizationId>{org or stage.simulator.salesforce.org.id}</OrganizationId><SessionId/>{told}"
        "</notifications></soapenv:Body></soapenv:Envelope>"
    ).encode()


def jira_event(stage: Stage, issue: str = "10001", age: float = 0) -> bytes:
    stamp = int((stage.clock.now().timestamp() - age) * 1000)
    return orjson.dumps({"timestamp": stamp, "webhookEvent": "jira:issue_updated", "issue": {"id": issue}})


def hub(body: bytes, secret: str = JIRA_SECRET, method: str = "sha256") -> str:
    return f"{method}=" + hmac.new(secret.encode(), body, method).hexdigest()


def callout(stage: Stage, body: bytes, age: float = 0) -> dict[str, str]:
    stamp = str(int(stage.clock.now().timestamp() - age))
    signed = hmac.new(CALLOUT_SECRET.encode(), stamp.encode() + b"." + body, "sha256").hexdigest()
    return {"X_Closedwon_Timestamp": stamp, "X_Closedwon_Signature": f"sha256={signed}"}


# -- the way in


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/hooks",
        "/hooks/",
        "/hooks/crm",
        "/hooks/crm/",
        "/hooks/crm/wrong",
        f"/hooks/crm/{PATHS['tracker']}",
        f"/hooks/nobody/{PATHS['crm']}",
        f"/hooks/crm/{PATHS['crm']}/",
        f"/hooks/crm/{PATHS['crm']}x",
        f"/hooks/crm/{PATHS['crm'][:-1]}",
        f"/hooks/crm/{PATHS['crm'].upper()}",
        f"/hooks/CRM/{PATHS['crm']}",
        f"/hooks/crm/..%2f{PATHS['crm']}",
        f"/hooks//crm/{PATHS['crm']}",
        "/hooks/crm/" + "a" * 5000,
        "/hooks/crm/%ff%fe%00",
        "/docs",
        "/openapi.json",
        "/.env",
    ],
)
def test_who_does_not_know_the_way_hears_404_and_nothing_else(stage, receiver, path):
    refused(send(receiver, "crm", outbound(stage), SOAP, path=path), 404)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"])
def test_the_right_way_by_another_method_is_no_way(receiver, method):
    refused(send(receiver, "crm", b"", SOAP, method=method), 404)


def test_health_tells_that_it_works_and_no_more(receiver):
    status, body, _ = send(receiver, "crm", b"", "", method="GET", path="/healthz")
    assert (status, body) == (200, b"ok\n")


# -- what kind, how long


@pytest.mark.parametrize(
    ("connection", "kind"),
    [
        ("tracker", "text/xml"),
        ("tracker", "text/plain"),
        ("crm", "multipart/form-data"),
        ("sheets", ""),
        ("crm", "application/xml"),
    ],
)
def test_another_kind_of_content_is_turned_away_unread(receiver, connection, kind):
    refused(send(receiver, connection, b"x", kind), 415)


def test_a_compressed_body_is_turned_away_unread(receiver):
    refused(send(receiver, "tracker", b"\x1f\x8b", JSON, Content_Encoding="gzip"), 415)


def test_a_body_that_says_it_is_huge_is_turned_away_before_it_comes(receiver):
    with socket.create_connection((receiver.host, receiver.port), timeout=5) as line:
        head = f"POST /hooks/tracker/{PATHS['tracker']} HTTP/1.1\r\nHost: x\r\nContent-Type: {JSON}\r\n"
        line.sendall(f"{head}Content-Length: 99999999999\r\n\r\n".encode())
        assert line.recv(1000).startswith(b"HTTP/1.1 413")


def test_a_body_that_does_not_say_how_long_it_is_is_read_to_the_limit_and_no_further(receiver):
    with socket.create_connection((receiver.host, receiver.port), timeout=5) as line:
        head = f"POST /hooks/tracker/{PATHS['tracker']} HTTP/1.1\r\nHost: x\r\nContent-Type: {JSON}\r\n"
        line.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
        for _ in range(4):
            line.sendall(chunk)
        assert line.recv(1000).startswith(b"HTTP/1.1 413")


# -- who sent it


@pytest.mark.parametrize(
    "signature",
    ["", "sha256=", "sha256=00", "sha1={sha1}", "md5=1", "=", "sha256={other}", "{bare}", "sha1={bare}", "sha256=\xe9"],
)
def test_an_event_of_jira_that_its_secret_did_not_sign_is_refused(stage, receiver, signature):
    body = jira_event(stage)
    said = signature.format(sha1=hub(body, method="sha1")[5:], other=hub(body, "another")[7:], bare=hub(body)[7:])
    refused(send(receiver, "tracker", body, JSON, X_Hub_Signature=said), 403)


def test_an_event_of_jira_whose_body_was_changed_is_refused(stage, receiver):
    body = jira_event(stage)
    refused(send(receiver, "tracker", body.replace(b"10001", b"10002"), JSON, X_Hub_Signature=hub(body)), 403)


@pytest.mark.parametrize("method", ["sha256", "sha384", "sha512"])
def test_the_digest_is_the_one_that_the_header_names(stage, receiver, method):
    body = jira_event(stage, age=1)
    assert send(receiver, "tracker", body, JSON, X_Hub_Signature=hub(body, method=method))[0] == 200


@pytest.mark.parametrize("age", [25 * 3600, -3600])
def test_an_event_of_jira_that_is_too_old_or_from_the_future_is_refused(stage, receiver, age):
    body = jira_event(stage, age=age)
    refused(send(receiver, "tracker", body, JSON, X_Hub_Signature=hub(body)), 403)


def test_atlassians_own_example_of_a_signature_is_ours():
    assert hub(b"Hello World!") == "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9"


def test_an_outbound_message_of_another_org_is_refused(stage, receiver):
    for org in ("00D000000000001AAA", "", "00D", stage.simulator.salesforce.org.id + "x"):
        refused(send(receiver, "crm", outbound(stage, org=org or "-"), SOAP), 403)


def test_a_callback_of_a_webhook_that_smartsheet_does_not_know_is_refused_and_asked_for_once(stage, receiver):
    body = orjson.dumps(
        {"webhookId": 4711, "nonce": "n", "timestamp": "2026-11-02T09:00:00Z", "scopeObjectId": 1, "events": []}
    )
    calls = sum(stage.simulator.world.calls.values())
    for _ in range(5):
        refused(send(receiver, "sheets", body, JSON, Smartsheet_Hmac_SHA256="00" * 32), 403)
    assert sum(stage.simulator.world.calls.values()) == calls + 1


def test_when_smartsheet_cannot_be_asked_the_sender_is_told_to_come_again(stage, receiver):
    body = orjson.dumps(
        {"webhookId": 4712, "nonce": "n", "timestamp": "2026-11-02T09:00:00Z", "scopeObjectId": 1, "events": []}
    )
    stage.simulator.world.faults.add("token_invalid", vendor="smartsheet", times=1)
    status, said, headers = send(receiver, "sheets", body, JSON, Smartsheet_Hmac_SHA256="00" * 32)
    assert (status, said) == (503, b"")
    assert int(headers["retry-after"]) >= 1
    stage.sleep(10)


@pytest.mark.parametrize("challenge", ["a" * 300, "two words", "\xe9"])
def test_a_challenge_that_smartsheet_would_not_make_is_not_echoed(receiver, challenge):
    refused(send(receiver, "sheets", b"{}", JSON, Smartsheet_Hook_Challenge=challenge), 400)


# -- callouts


def test_a_signed_callout_is_taken_and_its_replay_after_five_minutes_is_not(stage, receiver):
    body = orjson.dumps({"eventId": "0b0e3c6e", "recordId": "006Wx0000012345"})
    assert send(receiver, "crm", body, JSON, **callout(stage, body))[:2] == (200, b"{}")
    refused(send(receiver, "crm", body, JSON, **callout(stage, body, age=301)), 403)


def test_a_callout_with_a_fresh_time_that_was_not_signed_with_it_is_refused(stage, receiver):
    body = orjson.dumps({"eventId": "1", "recordId": "006Wx0000012345"})
    old = callout(stage, body, age=600)
    refused(
        send(receiver, "crm", body, JSON, **{**old, "X_Closedwon_Timestamp": str(int(stage.clock.now().timestamp()))}),
        403,
    )


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"eventId": 1}{', b"\xff", b'{"eventId":"1","recordIds":5}'])
def test_a_signed_callout_that_is_none_is_refused(stage, receiver, body):
    status, said, _ = send(receiver, "crm", body, JSON, **callout(stage, body))
    assert (status, said) in {(400, b""), (200, b"{}")}
    assert status == 400 or body == b"{}"


# -- bombs


def bombs(stage: Stage) -> dict[str, bytes]:
    whole = outbound(stage)
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    return {
        "laughs": f'<!DOCTYPE x [<!ENTITY l0 "ha">{laughs}]>'.encode()
        + whole.replace(b"<SessionId/>", b"<SessionId>&l9;</SessionId>"),
        "file": b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>'
        + whole.replace(b"<SessionId/>", b"<SessionId>&f;</SessionId>"),
        "dtd": b'<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd">' + whole,
        "deep": b"<a>" * 50_000,
        "half": whole[:-20],
        "encoding": b'<?xml version="1.0" encoding="utf-7"?>' + whole,
        "unknown": b'<?xml version="1.0" encoding="x-nobody"?>' + whole,
        "empty": b"",
        "null": b"\x00" * 100,
        "other": b"<html/>",
    }


@pytest.mark.parametrize(
    "bomb", ["laughs", "file", "dtd", "deep", "half", "encoding", "unknown", "empty", "null", "other"]
)
def test_xml_that_is_none_or_has_a_dtd_is_refused_at_once(stage, receiver, bomb):
    began = time.perf_counter()
    refused(send(receiver, "crm", bombs(stage)[bomb], SOAP), 400)
    assert time.perf_counter() - began < 2


def test_a_message_of_more_notifications_than_salesforce_sends_is_refused(stage, receiver):
    refused(send(receiver, "crm", outbound(stage, 101), SOAP), 400)


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 20_000,
        b'{"timestamp": 1e999}',
        b"null",
        b"{}",
        b"\xff",
        b'{"timestamp": "x", "issue": 5}',
        b'{"timestamp": 99999999999999999999}',
    ],
)
def test_json_that_is_no_event_is_refused_though_it_is_signed(receiver, body):
    refused(send(receiver, "tracker", body, JSON, X_Hub_Signature=hub(body)), 400)


def test_nothing_of_all_this_was_a_defect(receiver):
    assert not [outcome for _, outcome in receiver.tallies if outcome.startswith(("DEFECT", "STORE"))]


# -- many at once


def test_a_hundred_notifications_are_kept_and_acknowledged_once(stage, receiver):
    status, body, headers = send(receiver, "crm", outbound(stage, 100), SOAP)
    assert status == 200
    assert headers["content-type"].startswith("text/xml")
    assert body.count(b"<Ack>true</Ack>") == 1


def test_the_same_delivery_twice_is_kept_once(stage, receiver):
    body = jira_event(stage, issue="777")
    for _ in range(2):
        answer = send(receiver, "tracker", body, JSON, X_Hub_Signature=hub(body), X_Atlassian_Webhook_Identifier="same")
        assert answer[0] == 200
    with stage.plant.store._database.read() as database:
        rows = database.exec_driver_sql("SELECT count(*) FROM inbox WHERE event_id = 'same'")
        assert rows.scalar() == 1


def test_the_digest_that_stands_for_a_missing_identifier_is_the_bodys(stage, receiver):
    body = jira_event(stage, issue="778")
    send(receiver, "tracker", body, JSON, X_Hub_Signature=hub(body), X_Atlassian_Webhook_Identifier="a b")
    with stage.plant.store._database.read() as database:
        rows = database.exec_driver_sql(
            "SELECT count(*) FROM inbox WHERE event_id = '" + hashlib.sha256(body).hexdigest() + "'"
        )
        assert rows.scalar() == 1
