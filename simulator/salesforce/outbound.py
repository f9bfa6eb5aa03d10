"""Outbound messages: what the org tells a receiver, as SOAP, until the receiver says that it has it.

Fed by `vendor` after each committed change, set up by `admins`. Delivered at least once and in no order; a message
carries the values of the moment of sending, not those of the change. Source: Outbound Messaging in the SOAP API guide.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import escape

from simulator.courier import Answer, Courier, Delivery
from simulator.salesforce.evaluate import Test
from simulator.salesforce.ids import mint
from simulator.salesforce.org import Org
from simulator.salesforce.store import Change

MOST_NOTIFICATIONS = 100
FIRST_GAP, LONGEST_GAP = 15, 2 * 3600
"""Seconds between attempts: the gap doubles up to two hours."""
GIVE_UP = 24 * 3600
_ACK = re.compile(rb"<(?:\w+:)?notificationsResponse\b.*<(?:\w+:)?Ack>\s*true\s*</", re.DOTALL)
_SOAP = "http://schemas.xmlsoap.org/soap/envelope/"


@dataclass
class Subscription:
    """One outbound message of an admin's: which records, which fields, where to."""

    id: str
    object: str
    url: str
    fields: tuple[str, ...]
    when: Test | None


@dataclass
class Message:
    """Notifications that go together and are acknowledged together."""

    subscription: Subscription
    notifications: list[tuple[str, str]]
    """Id of the notification, id of the record."""
    since: float
    attempts: int = 0


@dataclass
class Outbound:
    """The queue of messages. `waiting` counts what no receiver has acknowledged yet."""

    org: Org
    courier: Courier
    subscriptions: list[Subscription] = field(default_factory=list)
    waiting: int = 0
    dropped: int = 0
    made: int = 0

    def subscribe(self, object_name: str, url: str, fields: Iterable[str], when: Test | None) -> Subscription:
        """Have changes of an object told to a receiver from now on."""
        kind = self.org.schema.typed(object_name)
        names = tuple(found.name for name in fields if (found := kind.find(name)) is not None and found.name != "Id")
        self.org.store.changes.clear()
        subscription = Subscription(mint("04k", len(self.subscriptions) + 1), kind.name, url, names, when)
        self.subscriptions.append(subscription)
        return subscription

    def tell(self, committed: Iterable[Change]) -> None:
        """Send what committed changes give rise to."""
        changes = dict.fromkeys((change.kind, change.id) for change in committed)
        for subscription in self.subscriptions:
            rows = self.org.store.table(subscription.object).rows
            wanted = [
                record_id
                for kind, record_id in changes
                if kind == subscription.object
                and (row := rows.get(record_id)) is not None
                and not row.deleted
                and (subscription.when is None or subscription.when(row.values))
            ]
            for start in range(0, len(wanted), MOST_NOTIFICATIONS):
                self._new(subscription, wanted[start : start + MOST_NOTIFICATIONS])

    def _new(self, subscription: Subscription, record_ids: list[str]) -> None:
        notifications = []
        for record_id in record_ids:
            self.made += 1
            notifications.append((mint("04l", self.made), record_id))
        self.waiting += len(notifications)
        self._send(Message(subscription, notifications, self.org.store.clock.now().timestamp()))

    def _send(self, message: Message) -> None:
        headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""'}
        body = self._envelope(message).encode()
        url = message.subscription.url
        self.courier.send(Delivery(url, headers, body, lambda answer: self._answered(message, answer)))

    def _answered(self, message: Message, answer: Answer) -> None:
        """Take a message off the queue, or try again later; a second answer to the same message changes nothing."""
        if not message.notifications:
            return
        clock = self.org.store.clock
        if answer.status == 200 and _ACK.search(answer.body):
            self._finish(message)
            return
        gap = min(FIRST_GAP * 2**message.attempts, LONGEST_GAP)
        message.attempts += 1
        if clock.now().timestamp() + gap > message.since + GIVE_UP:
            self.dropped += len(message.notifications)
            self._finish(message)
            return
        clock.call_in(gap, lambda: self._send(message) if message.notifications else None)

    def _finish(self, message: Message) -> None:
        self.waiting -= len(message.notifications)
        message.notifications = []

    def _envelope(self, message: Message) -> str:
        org, host = self.org.id, "https://acme.my.salesforce.com/services/Soap"
        rows = self.org.store.table(message.subscription.object).rows
        told = "".join(
            f"<Notification><Id>{note}</Id>{self._record(message.subscription, rows[record].values)}</Notification>"
            for note, record in message.notifications
            if record in rows
        )
        return (
            '<?xml version="1.0" encoding="UTF-8"?>'
            f'<soapenv:Envelope xmlns:soapenv="{_SOAP}" xmlns:xsd="http://www.w3.org/2001/XMLSchema" '
            'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>'
            '<notifications xmlns="http://soap.sforce.com/2005/09/outbound">'
            f"<OrganizationId>{org}</OrganizationId><ActionId>{message.subscription.id}</ActionId>"
            f'<SessionId xsi:nil="true"/><EnterpriseUrl>{host}/c/67.0/{org[:15]}</EnterpriseUrl>'
            f"<PartnerUrl>{host}/u/67.0/{org[:15]}</PartnerUrl>{told}"
            "</notifications></soapenv:Body></soapenv:Envelope>"
        )

    def _record(self, subscription: Subscription, values: dict[str, Any]) -> str:
        fields = [("Id", values["Id"]), *((name, values.get(name)) for name in subscription.fields)]
        texts = "".join(f"<sf:{name}>{_text(value)}</sf:{name}>" for name, value in fields if value is not None)
        spaces = 'xmlns:sf="urn:sobject.enterprise.soap.sforce.com"'
        return f'<sObject xsi:type="sf:{subscription.object}" {spaces}>{texts}</sObject>'


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return escape(str(value).replace(".000+0000", ".000Z"))
