"""Smartsheet's webhooks: answers the challenge, proves and reads callbacks, and registers a webhook for each sheet.

Built by `connector`, called by `sync.receiver` and `closedwon webhooks`. Every webhook has a secret of its own that
Smartsheet makes; it is asked for when its first callback comes and kept in memory only. Source of all facts:
developers.smartsheet.com, "Webhooks" (read 2026): skinny events, one callback per webhook on its way, exactly 200 or
the webhook is disabled, events while it is disabled are lost.
"""

from __future__ import annotations

import hmac
import re
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from pydantic import SecretStr

from connectors.errors import ConnectorError
from connectors.events import (
    MOST_IDS,
    Accepted,
    Event,
    Hook,
    Reply,
    check_moment,
    check_signature,
    event_id,
    forged,
    same_but_path,
    unanswered,
    unreadable,
)
from connectors.smartsheet.client import Client
from connectors.smartsheet.failures import Gone

CHALLENGE, ECHO, SIGNATURE = "smartsheet-hook-challenge", "smartsheet-hook-response", "smartsheet-hmac-sha256"
OLDEST = timedelta(days=3)
"""Smartsheet tries 14 times, the last ones three hours apart."""
ENABLED = "ENABLED"
DROPPED = frozenset({"DISABLED_CALLBACK_FAILED", "DISABLED_VERIFICATION_FAILED", "NEW_NOT_VERIFIED"})
"""Switched off because our receiver did not answer, or never switched on: enabling is all it takes. The other states
(by its owner, by an administrator, the app's right revoked, the sheet gone) are for a person."""

_CHALLENGE = re.compile(r"[\x21-\x7e]{1,200}")
_ASK_AGAIN = timedelta(seconds=60)
_PAUSE = timedelta(seconds=5)
_PAGE = 10_000


@dataclass(frozen=True, slots=True)
class _Secret:
    """What Smartsheet said of a webhook: its secret (None: there is no such webhook), and when."""

    value: SecretStr | None
    asked: datetime


class SmartsheetEvents:
    """The events of one Smartsheet connection. `agent` marks our own edits, which are no news."""

    media_types = frozenset({"application/json"})

    def __init__(
        self, *, path: SecretStr, agent: str, name: str, client: Client, clock: Callable[[], datetime]
    ) -> None:
        self.path = path
        self._agent = agent
        self._name = name
        self._client = client
        self._clock = clock
        self._secrets: dict[int, _Secret] = {}
        self._asking = threading.Lock()
        self._not_before = datetime.min.replace(tzinfo=UTC)

    def accept(self, headers: Mapping[str, str], body: bytes) -> Accepted:
        """Echo a challenge, or prove a callback and read which rows and sheets changed; see the contract."""
        if challenge := headers.get(CHALLENGE, ""):
            return _echo(challenge)
        told = _parsed(body)
        self._check(told["webhookId"], body, headers.get(SIGNATURE, ""))
        try:
            moment = datetime.fromisoformat(told["timestamp"])
            ids = self._ids(told)
        except (ValueError, TypeError, KeyError, AttributeError):
            raise unreadable("Smartsheet sent a callback that is none") from None
        check_moment(moment if moment.tzinfo else moment.replace(tzinfo=UTC), self._clock(), past=OLDEST)
        return Accepted(Reply(), (Event(event_id(str(told.get("nonce", "")), body), ids),) if ids else ())

    def hooks(self, url: str, targets: Sequence[str]) -> tuple[Hook, ...]:
        """List our webhooks, and the sheets without one: 1 call for 10,000."""
        ours = tuple(_hook(raw, url) for raw in self._ours(url))
        watched = {hook.target for hook in ours}
        lacking = (sheet for sheet in dict.fromkeys(targets) if sheet not in watched)
        return (*ours, *(Hook("", sheet, "none", active=False) for sheet in lacking))

    def install(self, url: str, targets: Sequence[str]) -> Iterator[Hook]:
        """Register and enable a webhook for each of these sheets that has none: 2 calls each."""
        wanted = dict.fromkeys(targets)
        watched = set()
        for raw in self._ours(url):
            if (hook := _hook(raw, url)).target in wanted:
                watched.add(hook.target)
                yield hook if hook.sound else self._mend(raw, url)
        for sheet in wanted:
            if sheet not in watched:
                yield self._create(url, sheet)

    def renew(self, url: str, ids: Collection[str] | None = None) -> Iterator[Hook]:
        """Enable those of our webhooks that are not, and give them the present address: a call or two for each."""
        for raw in self._ours(url):
            hook = _hook(raw, url)
            if ids is None or hook.id in ids:
                yield hook if hook.sound else self._mend(raw, url)

    def remove(self, url: str) -> Iterator[Hook]:
        """Delete our webhooks: a call for each."""
        for raw in self._ours(url):
            self._client.delete(f"/webhooks/{raw['id']}")
            yield _hook({**raw, "enabled": False, "status": "REMOVED"}, url)

    def steps(self, url: str) -> str:
        """Nothing is to be done by hand."""
        del url
        return ""

    def _ids(self, told: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the rows that were edited, and the sheet where something else of it was: what no id of ours covers.

        A webhook that was disabled says so in its last callback; its sheet is looked at, and events were lost maybe.
        """
        sheet = str(told["scopeObjectId"])
        if "newWebhookStatus" in told:
            return (sheet,)
        edits = [edit for edit in told["events"] if edit.get("changeAgent") != self._agent]
        ids = tuple(dict.fromkeys(each for edit in edits if (each := _concerns(edit, sheet))))
        return ids if len(ids) <= MOST_IDS else (sheet,)

    def _check(self, webhook: int, body: bytes, given: str) -> None:
        """Prove a callback by its webhook's secret, asking anew (once a minute at most) when it seems to be another."""
        known = self._secrets.get(webhook)
        if known is not None and known.value is not None and _signed(known.value, body, given):
            return
        if known is not None and self._clock() - known.asked < _ASK_AGAIN:
            raise forged("A callback came that its webhook's secret does not make")
        check_signature(self._ask(webhook, given=known), body, f"sha256={given}")

    def _ask(self, webhook: int, *, given: _Secret | None) -> SecretStr:
        """Ask Smartsheet for a webhook's secret; callbacks that come meanwhile wait for the same answer."""
        with self._asking:
            known = self._secrets.get(webhook)
            if known is given or known is None:
                known = self._secrets[webhook] = self._asked(webhook)
        if known.value is None:
            raise forged("A callback came of a webhook that is not ours")
        return known.value

    def _asked(self, webhook: int) -> _Secret:
        now = self._clock()
        if now < self._not_before:
            raise unanswered("The webhook's secret", _PAUSE.total_seconds())
        try:
            secret = self._client.get(f"/webhooks/{webhook}").body.get("sharedSecret")
        except Gone:
            secret = None
        except ConnectorError:
            # Not the sender's fault, so not NotAuthorised for the sender.
            self._not_before = self._clock() + _PAUSE
            raise unanswered("The webhook's secret", _PAUSE.total_seconds()) from None
        if len(self._secrets) > 2 * _PAGE:
            self._secrets.clear()  # somebody invents webhooks
        return _Secret(SecretStr(secret) if secret else None, now)

    def _ours(self, url: str) -> Iterator[Mapping[str, Any]]:
        page = 1
        while True:
            found = self._client.get("/webhooks", page=str(page), pageSize=str(_PAGE)).body.get("data") or ()
            yield from [raw for raw in found if same_but_path(url, str(raw.get("callbackUrl", "")))]
            if len(found) < _PAGE:
                return
            page += 1

    def _create(self, url: str, sheet: str) -> Hook:
        made = self._client.post(
            "/webhooks",
            {
                "name": f"Closedwon ({self._name})",
                "callbackUrl": url,
                "scope": "sheet",
                "scopeObjectId": int(sheet),
                "events": ["*.*"],
                "version": 1,
            },
        )
        return self._mend(made.body["result"], url)

    def _mend(self, raw: Mapping[str, Any], url: str) -> Hook:
        """Set the address and enable; Smartsheet challenges the address before it answers."""
        body = {"callbackUrl": url, "enabled": True}
        return _hook(self._client.put(f"/webhooks/{raw['id']}", body).body["result"], url)


def _echo(challenge: str) -> Accepted:
    if not _CHALLENGE.fullmatch(challenge):
        raise unreadable("A challenge came that Smartsheet does not make")
    body = orjson.dumps({"smartsheetHookResponse": challenge})
    return Accepted(Reply(headers={ECHO: challenge, "content-type": "application/json"}, body=body))


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError:
        told = None
    if not isinstance(told, dict) or type(told.get("webhookId")) is not int:
        raise unreadable("A callback came that is none of Smartsheet's")
    return told


def _signed(secret: SecretStr, body: bytes, given: str) -> bool:
    digest = hmac.new(secret.get_secret_value().encode(), body, "sha256").hexdigest()
    return hmac.compare_digest(digest.encode(), given.lower().encode())


def _concerns(edit: Mapping[str, Any], sheet: str) -> str:
    """Return what one edit is to be looked up by; "" for what is no business of ours (comments, attachments)."""
    match edit["objectType"]:
        case "cell":
            return str(edit["rowId"])
        case "row":
            # A new row is bound to nothing: only its sheet leads to an onboarding.
            return sheet if edit["eventType"] == "created" else str(edit["id"])
        case "column" | "sheet":
            return sheet
    return ""


def _hook(raw: Mapping[str, Any], url: str) -> Hook:
    state = str(raw.get("status", ""))
    active = bool(raw.get("enabled")) and state == ENABLED
    here = raw.get("callbackUrl") == url
    return Hook(str(raw["id"]), str(raw.get("scopeObjectId", "")), state, active, here, dropped=state in DROPPED)
