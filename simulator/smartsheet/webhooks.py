"""Webhooks: registration, the verification handshake, signed callbacks, retries and the many ways to be disabled.

Called by `routes` for the API and by `State.commit` for every change of a sheet. Deliveries go through the courier; the
handshake is synchronous, as the vendor's is. Facts: the vendor's webhook guide (2024, 2026) and its sheet-event filter
of 2026-08-03.

One callback per webhook is on its way at a time; what happens meanwhile waits and goes out together, so callbacks of
one sheet stay in order and may aggregate several edits. Events while a webhook is disabled are lost. A webhook is
disabled at once by any answer of 201-299, 3xx or 410; 4xx, 5xx and silence are retried (seven times with growing waits,
then every three hours, `webhook_retries` times in all). Every 100 callbacks the receiver is verified anew.
"""

from __future__ import annotations

import hashlib
import hmac
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import orjson

from simulator.courier import Answer, Courier, Delivery, post
from simulator.smartsheet.call import Call, find_sheet, stamp, success
from simulator.smartsheet.errors import Problem
from simulator.smartsheet.state import Actor, Sheet, State

_PORTS = frozenset({None, 443, 8000, 8008, 8080, 8443})
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_VERIFY_EVERY = 100
_FIRST_WAITS = (15, 60, 300, 900, 1_800, 3_600, 7_200)
_LATER_WAIT = 3 * 3_600
_PAGE = 10_000
Event = dict[str, Any]


@dataclass(slots=True, eq=False)
class Webhook:
    """One registration and its queue."""

    id: int
    name: str
    url: str
    sheet: int
    events: tuple[str, ...]
    columns: tuple[int, ...]
    secret: str
    created: int
    modified: int
    headers: Mapping[str, str] = field(default_factory=dict)
    enabled: bool = False
    status: str = "NEW_NOT_VERIFIED"
    details: str = ""
    sent: int = 0
    waiting: list[Event] = field(default_factory=list)
    on_the_way: bytes | None = None
    attempts: int = 0


class Webhooks:
    """All registrations of the account."""

    def __init__(self, state: State, courier: Courier) -> None:
        self._state = state
        self._courier = courier
        self.all: dict[int, Webhook] = {}
        state.announce = self._announce
        state.forget = self._forget

    def list_all(self, call: Call) -> dict[str, Any]:
        """GET /webhooks: newest first, totals unknown (-1)."""
        newest = sorted(self.all.values(), key=lambda each: -each.created)
        page, size = call.whole("page", 1), min(call.whole("pageSize", 100), _PAGE)
        shown = [_show(each) for each in newest[(page - 1) * size : page * size]]
        return {"pageNumber": page, "pageSize": size, "totalPages": -1, "totalCount": -1, "data": shown}

    def create(self, call: Call) -> dict[str, Any]:
        """POST /webhooks: not enabled yet."""
        given = call.record()
        for name in ("name", "callbackUrl", "scope", "scopeObjectId", "events", "version"):
            if given.get(name) is None:
                raise Problem(1012, f"webhook.{name}")
        _check_url(given["callbackUrl"])
        if given["scope"] != "sheet":
            raise Problem(1031, given["scope"], "scope")
        if given["version"] != 1:
            raise Problem(1031, given["version"], "version")
        try:
            sheet = find_sheet(self._state, int(given["scopeObjectId"]), "ADMIN")
        except Problem as problem:
            raise Problem(1151, given["scope"], given["scopeObjectId"]) from problem
        columns = tuple((given.get("subscope") or {}).get("columnIds") or ())
        if any(sheet.column(number) is None for number in columns):
            raise Problem(1031, columns, "subscope.columnIds")
        now = self._state.now()
        made = Webhook(
            id=self._state.new_id(),
            name=str(given["name"]),
            url=given["callbackUrl"],
            sheet=sheet.id,
            events=_check_events(given["events"]),
            columns=columns,
            secret=f"{self._state.dice.getrandbits(128):032x}",
            created=now,
            modified=now,
            headers=dict(given.get("customHeaders") or {}),
        )
        self.all[made.id] = made
        return success(_show(made))

    def get(self, call: Call) -> dict[str, Any]:
        """GET /webhooks/{id}."""
        return _show(self._named(call))

    def update(self, call: Call) -> dict[str, Any]:
        """PUT /webhooks/{id}: enabling runs the handshake before the answer."""
        webhook = self._named(call)
        given = call.record()
        if fixed := given.keys() & {"scope", "scopeObjectId", "subscope", "sharedSecret", "id"}:
            raise Problem(1032, ", ".join(sorted(f"webhook.{name}" for name in fixed)))
        if "callbackUrl" in given:
            _check_url(given["callbackUrl"])
        webhook.url = given.get("callbackUrl", webhook.url)
        webhook.name = given.get("name", webhook.name)
        webhook.events = _check_events(given["events"]) if "events" in given else webhook.events
        webhook.modified = self._state.now()
        if given.get("enabled") is True and not webhook.enabled:
            self._enable(webhook)
        elif given.get("enabled") is False:
            _disable(webhook, "DISABLED_BY_OWNER", "The owner disabled the webhook.")
        return success(_show(webhook))

    def delete(self, call: Call) -> dict[str, Any]:
        """DELETE /webhooks/{id}."""
        webhook = self._named(call)
        webhook.enabled = False
        del self.all[webhook.id]
        return success()

    def reset_secret(self, call: Call) -> dict[str, Any]:
        """POST /webhooks/{id}/resetSharedSecret."""
        webhook = self._named(call)
        webhook.secret = f"{self._state.dice.getrandbits(128):032x}"
        return success({"sharedSecret": webhook.secret})

    def _named(self, call: Call) -> Webhook:
        if call.ids[0] not in self.all:
            raise Problem(1006)
        return self.all[call.ids[0]]

    def _enable(self, webhook: Webhook) -> None:
        if self._verify(webhook):
            webhook.enabled, webhook.status, webhook.details = True, "ENABLED", ""
        else:
            _disable(webhook, "DISABLED_VERIFICATION_FAILED", "The callback URL did not echo the challenge.")

    def _verify(self, webhook: Webhook) -> bool:
        """Challenge the receiver: it must answer 200 and echo the challenge in a header or in JSON."""
        challenge = str(uuid.UUID(int=self._state.dice.getrandbits(128)))
        headers = {"Content-Type": "application/json", "Smartsheet-Hook-Challenge": challenge, **webhook.headers}
        body = orjson.dumps({"challenge": challenge, "webhookId": webhook.id})
        answer = post(webhook.url, headers, body, timeout=5)
        if answer.status != 200:
            return False
        if hmac.compare_digest(answer.headers.get("smartsheet-hook-response", ""), challenge):
            return True
        try:
            said = orjson.loads(answer.body)
        except orjson.JSONDecodeError:
            return False
        return isinstance(said, dict) and said.get("smartsheetHookResponse") == challenge

    def _announce(self, sheet: Sheet, events: list[Event], actor: Actor) -> None:
        """Queue a change's events with every enabled webhook that asked for them; twins collapse to the oldest."""
        seen = set()
        for webhook in self.all.values():
            if webhook.sheet != sheet.id or not webhook.enabled:
                continue
            twin = (webhook.url, webhook.events, webhook.columns)
            if twin in seen:
                continue
            seen.add(twin)
            told = [event for event in events if _wanted(webhook, event)]
            if told:
                extra: Event = {"userId": actor.user.id, "timestamp": stamp(self._state.now())}
                extra |= {"changeAgent": actor.agent} if actor.agent else {}
                webhook.waiting += [event | extra for event in told]
                self._send_next(webhook)

    def _forget(self, sheet: Sheet) -> None:
        for webhook in self.all.values():
            if webhook.sheet == sheet.id and webhook.status != "DISABLED_SCOPE_INACCESSIBLE":
                _disable(webhook, "DISABLED_SCOPE_INACCESSIBLE", "The sheet is no longer accessible.")
                self._post(webhook, self._body(webhook, {"newWebhookStatus": webhook.status}), answered=False)

    def _send_next(self, webhook: Webhook) -> None:
        if webhook.on_the_way is not None or not webhook.waiting or not webhook.enabled:
            return
        if webhook.sent and webhook.sent % _VERIFY_EVERY == 0 and not self._verify(webhook):
            _disable(webhook, "DISABLED_VERIFICATION_FAILED", "The callback URL did not echo the challenge.")
            return
        events, webhook.waiting = webhook.waiting, []
        webhook.sent, webhook.attempts = webhook.sent + 1, 0
        webhook.on_the_way = self._body(webhook, {"events": events})
        self._post(webhook, webhook.on_the_way)

    def _body(self, webhook: Webhook, content: Mapping[str, Any]) -> bytes:
        return orjson.dumps(
            {
                "nonce": str(uuid.UUID(int=self._state.dice.getrandbits(128))),
                "timestamp": stamp(self._state.now()),
                "webhookId": webhook.id,
                "scope": "sheet",
                "scopeObjectId": webhook.sheet,
                **content,
            }
        )

    def _post(self, webhook: Webhook, body: bytes, *, answered: bool = True) -> None:
        signature = hmac.new(webhook.secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {"Content-Type": "application/json", "Smartsheet-Hmac-SHA256": signature, **webhook.headers}
        done = partial(self._answered, webhook, body) if answered else None
        lost = self._courier.lost
        self._courier.send(Delivery(webhook.url, headers, body, done))
        if done is not None and self._courier.lost > lost:
            done(Answer(200))  # lost after the receiver's side took it: nobody will send it again

    def _answered(self, webhook: Webhook, body: bytes, answer: Answer) -> None:
        """Decide what an answer means; a duplicate's answer to what is no longer on its way means nothing."""
        if webhook.on_the_way is not body:
            return
        if answer.status == 200:
            webhook.on_the_way = None
            self._send_next(webhook)
            return
        webhook.attempts += 1
        final = 200 < answer.status < 400 or answer.status == 410
        if final or webhook.attempts > int(self._state.knobs["webhook_retries"]):
            _disable(webhook, "DISABLED_CALLBACK_FAILED", f"The callback URL answered {answer.status or 'nothing'}.")
            return
        number = webhook.attempts - 1
        wait = _FIRST_WAITS[number] if number < len(_FIRST_WAITS) else _LATER_WAIT
        self._state.clock.call_in(wait, partial(self._again, webhook, body))

    def _again(self, webhook: Webhook, body: bytes) -> None:
        if webhook.enabled and webhook.on_the_way is body:
            self._post(webhook, body)


def _disable(webhook: Webhook, status: str, details: str) -> None:
    """Switch off; what was waiting is lost."""
    webhook.enabled, webhook.status, webhook.details = False, status, details
    webhook.on_the_way = None
    webhook.waiting.clear()


def _wanted(webhook: Webhook, event: Event) -> bool:
    """Tell whether a webhook asked for an event; deleted rows come through any column subscope."""
    kind = f"{event['objectType']}.{event['eventType']}"
    names = {"*.*", f"{event['objectType']}.*", f"*.{event['eventType']}", kind}
    if not names & set(webhook.events):
        return False
    if not webhook.columns or kind == "row.deleted":
        return True
    return event.get("columnId", event["id"] if event["objectType"] == "column" else None) in webhook.columns


def _check_url(url: Any) -> None:
    """Insist on what the vendor can reach; plain HTTP is let through to this machine only, which has no certificate."""
    parts = urlsplit(str(url))
    if parts.hostname in _LOOPBACK:
        return
    if parts.scheme != "https":
        raise Problem(1152, "callbackUrl")
    if parts.port not in _PORTS:
        raise Problem(1031, url, "callbackUrl")


def _check_events(events: Any) -> tuple[str, ...]:
    if not isinstance(events, list) or not events or not all(isinstance(each, str) and "." in each for each in events):
        raise Problem(1031, events, "events")
    return tuple(events)


def _show(webhook: Webhook) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": webhook.id,
        "name": webhook.name,
        "scope": "sheet",
        "scopeObjectId": webhook.sheet,
        "events": list(webhook.events),
        "callbackUrl": webhook.url,
        "sharedSecret": webhook.secret,
        "enabled": webhook.enabled,
        "status": webhook.status,
        "version": 1,
        "createdAt": stamp(webhook.created),
        "modifiedAt": stamp(webhook.modified),
    }
    if webhook.columns:
        shown["subscope"] = {"columnIds": list(webhook.columns)}
    return shown | ({"disabledDetails": webhook.details} if webhook.details else {})
