"""Salesforce's events: outbound messages (SOAP), and JSON callouts of a flow or Apex that are signed.

Built by `connector`, called by `sync.receiver` and `closedwon webhooks`. It asks Salesforce once for the org's id and
registers nothing, since Salesforce has no API for it that needs no deployment.

Outbound messages carry no signature. What proves them is our secret path and the org's id, and they are hints only.
Source: SOAP API Developer Guide, "Outbound Messaging"; a message comes at least once, in any order, retried for 24 h
until the acknowledgement below, and holds up to 100 notifications.
"""

from __future__ import annotations

import hmac
import re
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree.ElementTree import Element, ParseError

import orjson
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring
from pydantic import SecretStr

from connectors.base import Memory
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
    unanswered,
    unreadable,
)
from connectors.salesforce.client import SalesforceClient

MOST_NOTIFICATIONS = 100
WINDOW = timedelta(minutes=5)
"""How old a signed callout may be; a flow sends once and at once."""
SIGNATURE, TIMESTAMP = "x-closedwon-signature", "x-closedwon-timestamp"

_ENVELOPE = "{http://schemas.xmlsoap.org/soap/envelope/}"
_OUTBOUND = "{http://soap.sforce.com/2005/09/outbound}"
_ACK = (
    b'<?xml version="1.0" encoding="UTF-8"?>'
    b'<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
    b'<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack></notificationsResponse>'
    b"</soapenv:Body></soapenv:Envelope>"
)
_ID = re.compile(r"(?:[0-9A-Za-z]{15}|[0-9A-Za-z]{18})")
_DEAL = re.compile(r"006(?:[0-9A-Za-z]{12}|[0-9A-Za-z]{15})")
"""006 is the key prefix of opportunities in every org."""
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_ASK_AGAIN = 30.0

_STEPS = """\
Salesforce sends what an admin sets up; there is no API for it. In Setup:
1. Outbound Messages > New Outbound Message. Object: Opportunity. Endpoint URL:
     {url}
   User to send as: the integration user. Leave "Send Session ID" off. Fields: Id alone.
2. Flows > New Flow > Record-Triggered Flow. Object: Opportunity; created or updated; condition: Is Won is true (or
   your own); optimise for Actions and Related Records. Add an action: the Outbound Message of step 1. Activate it.
3. For line items alike: object Opportunity Product, fields Id and OpportunityId.
4. Setup > Outbound Messages > View Message Delivery Status shows what could not be delivered.
Leave the integration user's own changes out (Users > the user > "Send Outbound Messages" off), or each comes back.
A flow or Apex may send signed JSON to the same address instead: docs/receiver.md has it ready to paste."""


class SalesforceEvents:
    """The events of one Salesforce connection. `secret` signs JSON callouts; without one they are refused."""

    media_types = frozenset({"text/xml", "application/json"})

    def __init__(
        self,
        *,
        path: SecretStr,
        secret: SecretStr | None,
        org: str,
        client: SalesforceClient,
        memory: Memory,
        clock: Callable[[], datetime],
    ) -> None:
        self.path = path
        self._secret = secret
        self._note = f"organization/{org}"
        self._client = client
        self._memory = memory
        self._clock = clock
        self._asking = threading.Lock()
        self._not_before = datetime.min.replace(tzinfo=UTC)

    def accept(self, headers: Mapping[str, str], body: bytes) -> Accepted:
        """Take an outbound message or a signed callout; see the contract."""
        if headers.get("content-type", "").lower().startswith("text/xml"):
            return self._message(body)
        return self._callout(headers, body)

    def hooks(self, url: str, targets: Sequence[str]) -> tuple[Hook, ...]:
        """Salesforce does not tell."""
        del url, targets
        return ()

    def install(self, url: str, targets: Sequence[str]) -> Iterator[Hook]:
        """Salesforce is set up by hand; see `steps`."""
        del url, targets
        return iter(())

    def renew(self, url: str, ids: Collection[str] | None = None) -> Iterator[Hook]:
        """Nothing of Salesforce's expires."""
        del url, ids
        return iter(())

    def remove(self, url: str) -> Iterator[Hook]:
        """Salesforce is set up by hand; see `steps`."""
        del url
        return iter(())

    def steps(self, url: str) -> str:
        """Say how an outbound message is set up."""
        return _STEPS.format(url=url)

    def _message(self, body: bytes) -> Accepted:
        try:
            root = fromstring(body, forbid_dtd=True)
        except (ParseError, DefusedXmlException, ValueError, LookupError):
            raise unreadable("A message came that is no XML, or has a DTD") from None
        message = root.find(f"{_ENVELOPE}Body/{_OUTBOUND}notifications") if root.tag == f"{_ENVELOPE}Envelope" else None
        if message is None:
            raise unreadable("A message came that is no outbound message")
        self._check_org(message.findtext(f"{_OUTBOUND}OrganizationId", ""))
        notifications = message.findall(f"{_OUTBOUND}Notification")
        if len(notifications) > MOST_NOTIFICATIONS:
            raise unreadable("An outbound message came with more notifications than Salesforce sends")
        events = tuple(event for each in notifications if (event := _notified(each)).ids)
        return Accepted(Reply(headers={"content-type": "text/xml; charset=utf-8"}, body=_ACK), events)

    def _callout(self, headers: Mapping[str, str], body: bytes) -> Accepted:
        if self._secret is None:
            raise forged("A JSON callout came, and `hook_secret` is not set")
        stamp = headers.get(TIMESTAMP, "")
        check_signature(self._secret, stamp.encode() + b"." + body, headers.get(SIGNATURE, ""))
        try:
            moment = datetime.fromtimestamp(int(stamp), UTC)
            told = orjson.loads(body)
            identifier = str(told["eventId"])
            ids = _deals([told.get("recordId"), *told.get("recordIds", ())])
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, OSError):
            raise unreadable("A signed callout came without eventId or recordId") from None
        check_moment(moment, self._clock(), past=WINDOW)
        if len(ids) > MOST_IDS:
            raise unreadable(f"A signed callout came with more than {MOST_IDS} records")
        events = (Event(event_id(identifier, body), ids),) if ids else ()
        return Accepted(Reply(headers={"content-type": "application/json"}, body=b"{}"), events)

    def _check_org(self, given: str) -> None:
        ours = self._org()
        if not (hmac.compare_digest(_full(given).encode(), ours.encode()) and _ID.fullmatch(given)):
            raise forged("An outbound message came that is not from our org")

    def _org(self) -> str:
        """Return the org's id: asked once in the life of the store."""
        known = self._memory.get(self._note)
        if known:
            return known
        with self._asking:
            if self._clock() < self._not_before:
                raise unanswered("The org's id", _ASK_AGAIN)
            try:
                page = next(self._client.query("SELECT Id FROM Organization"))
                org = str(page.records[0]["Id"])
            except (ConnectorError, LookupError):
                # Not the sender's fault, so not NotAuthorised for the sender.
                self._not_before = self._clock() + timedelta(seconds=_ASK_AGAIN)
                raise unanswered("The org's id", _ASK_AGAIN) from None
            self._memory.put(self._note, org)
            return org


def _notified(notification: Element) -> Event:
    """Read a notification: its id, and the deals that its record is or points to."""
    identifier = notification.findtext(f"{_OUTBOUND}Id", "")
    if not _ID.fullmatch(identifier):
        raise unreadable("An outbound message came with a notification that has no id")
    return Event(identifier, _deals(value.text for value in notification.findall(f"{_OUTBOUND}sObject/*")))


def _deals(values: Any) -> tuple[str, ...]:
    """Return the opportunities among values, each once, by their 18-character ids."""
    found = (value for value in values if isinstance(value, str) and _DEAL.fullmatch(value))
    return tuple(dict.fromkeys(_full(value) for value in found))


def _full(record_id: str) -> str:
    """Return an id with its last three characters, which say which of the first fifteen are capitals."""
    first = record_id[:15]
    bits = [
        sum(char.isascii() and char.isupper() and 1 << n for n, char in enumerate(first[i : i + 5])) for i in (0, 5, 10)
    ]
    return first + "".join(_ALPHABET[each] for each in bits)
