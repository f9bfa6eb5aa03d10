"""The conformance rig for Salesforce: an org with short pages, and deals that people win."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Mapping, Sequence
from datetime import date
from typing import ClassVar

import orjson
from simulated_rig import ODD, Served, SimulatedRig
from simulated_sending import digest

from connectors.base import Connector, DictMemory, Fields, Kind, Ref, Value
from connectors.conformance import DEAL, At, Delivery
from connectors.salesforce import SalesforceConnector, SalesforceSettings
from simulator.courier import Delivery as Posted

HOOK_PATH, HOOK_SECRET = "crm-0123456789-secret-path", "callout-secret-0123456789"
SIGNATURE, TIMESTAMP = "x-closedwon-signature", "x-closedwon-timestamp"


class SalesforceRig(SimulatedRig):
    keyed = (Kind.ONBOARDING,)
    fields: ClassVar[Mapping[Kind, tuple[str, ...]]] = {
        Kind.DEAL: ("Name", "Account.Name", "Owner.Email", "CloseDate", "Amount", "StageName", "Contracted_Hours__c"),
        Kind.LINE: ("Product2.Name", "Quantity", "ServiceDate"),
        Kind.ONBOARDING: (
            "Name",
            "Opportunity__c",
            "Status__c",
            "Percent_Complete__c",
            "Tasks_Done__c",
            "Hours_Tracked__c",
            "Forecast_Launch__c",
            "Next_Milestone__c",
            "Plan_URL__c",
        ),
    }
    patterns: ClassVar[Mapping[At, str]] = {At.CREATE: "PATCH *", At.UPDATE: "PATCH *", At.READ: "GET *"}
    signed_out_once = "session_expired"
    login = "POST /services/oauth2/token"

    def __init__(self, served: Served) -> None:
        super().__init__(served, short_pages=5)
        self._lag = 0.0
        self._url = ""
        self._numbers = itertools.count()

    def connect(self, memory: DictMemory) -> Connector:
        account = {"url": self.url, "client_id": "closedwon", "client_secret": "simulator-secret"}
        given = {**account, "hook_path": HOOK_PATH, "hook_secret": HOOK_SECRET}
        return SalesforceConnector(SalesforceSettings.model_validate(given), name="crm", **self.collaborators(memory))

    def secrets(self) -> Sequence[str]:
        pair = base64.b64encode(b"closedwon:simulator-secret").decode()
        return ("simulator-secret", HOOK_PATH, HOOK_SECRET, pair, f"{self.vendor.org.id[:15]}!AQ")

    def lag(self) -> float:
        self._lag = 240.0
        return self._lag

    def sign_out(self) -> None:
        self.vendor.knobs["refuse_login"] = "expired access/refresh token"
        self.act("expire_sessions")

    def sign_in(self) -> None:
        self.vendor.knobs["refuse_login"] = None

    def count(self, write_key: str) -> int:
        return sum(row["Deal_Key__c"] == write_key for row in self.vendor.org.rows("Onboarding__c"))

    def samples(self, kind: Kind) -> Sequence[Fields]:
        assert kind is Kind.ONBOARDING
        plain: dict[str, Value] = {
            "Name": "Northwind rollout",
            "Opportunity__c": DEAL,
            "Status__c": "In Progress",
            "Percent_Complete__c": 12.5,
            "Tasks_Done__c": 3,
            "Hours_Tracked__c": 7.25,
            "Forecast_Launch__c": date(2027, 2, 28),
            "Next_Milestone__c": "Go live",
            "Plan_URL__c": "https://acme.atlassian.net/browse/ONB-1",
        }
        keep: dict[str, Value] = {"Name": "Northwind", "Opportunity__c": DEAL}
        return (
            plain,
            keep | {"Next_Milestone__c": ODD, "Hours_Tracked__c": 12.345, "Percent_Complete__c": 33.33333},
            keep | {"Next_Milestone__c": "x" * 255, "Hours_Tracked__c": 0.1 + 0.2, "Tasks_Done__c": 999_999},
            keep | {"Next_Milestone__c": "", "Hours_Tracked__c": -1.005, "Forecast_Launch__c": date(1999, 12, 31)},
            keep | {"Next_Milestone__c": "   ", "Tasks_Done__c": 0, "Plan_URL__c": ""},
            keep | {"Next_Milestone__c": "a\ttab", "Name": "Ünïcödé 漢字"},
            keep | dict.fromkeys(name for name in plain if name not in keep),
        )

    def refused(self, kind: Kind) -> Fields | None:
        return {"Name": "Northwind", "Opportunity__c": DEAL, "Status__c": "No such status"}

    def double(self, kind: Kind, write_key: str, ref: Ref) -> None:
        self.act("allow_duplicates", object="Onboarding__c", field="Deal_Key__c")
        values = {"Name": "A copy", "Deal_Key__c": write_key, "Opportunity__c": write_key}
        self.act("create_record", object="Onboarding__c", fields=values)

    def person_edits(self, ref: Ref) -> None:
        # Only what others are still saving shows late; what we wrote is there when its answer comes.
        self.vendor.knobs["visible_after_seconds"] = self._lag
        self.act("edit_deal", id=ref.id, fields={"Name": self.new_text()})
        self.vendor.knobs["visible_after_seconds"] = 0
        if self._url:
            self._calls_out(ref.id)

    def person_deletes(self, kind: Kind, ref: Ref) -> None:
        self.act("delete_deal" if kind is Kind.DEAL else "delete_record", id=ref.id, object="Onboarding__c")

    def by_hand(self, url: str) -> None:
        """Have an admin set up an outbound message, and the Apex of docs/receiver.md beside it."""
        self._url = url
        self.act("add_outbound_message", object="Opportunity", url=url, fields=["StageName"])

    def _calls_out(self, deal: str) -> None:
        """Send what that Apex sends."""
        told = {"eventId": f"callout-{next(self._numbers)}", "recordId": deal}
        callout = self._signed(orjson.dumps(told))
        self.box.send(Posted(self._url, callout.headers, callout.body))

    def _signed(self, body: bytes, secret: str = HOOK_SECRET) -> Delivery:
        stamp = str(int(self.now().timestamp()))
        proof = f"sha256={digest(secret, stamp.encode() + b'.' + body)}"
        return Delivery({"content-type": "application/json", TIMESTAMP: stamp, SIGNATURE: proof}, body)

    def sealed(self, body: bytes) -> Sequence[Delivery]:
        return [self._signed(body), Delivery({"content-type": "text/xml; charset=utf-8"}, body)]

    def altered(self, delivery: Delivery) -> Sequence[Delivery]:
        # Of an outbound message, which Salesforce does not sign, nothing is proved but the org.
        if SIGNATURE not in delivery.headers:
            return ()
        later = {**delivery.headers, TIMESTAMP: str(int(delivery.headers[TIMESTAMP]) + 1)}
        return [*super().altered(delivery), Delivery(later, delivery.body)]

    def forged(self, delivery: Delivery) -> Sequence[Delivery]:
        if SIGNATURE not in delivery.headers:
            org = self.vendor.org.id.encode()
            return [
                Delivery(delivery.headers, delivery.body.replace(org, other)) for other in (org[:-4] + b"9999", b"")
            ]
        unsigned = {name: value for name, value in delivery.headers.items() if name != SIGNATURE}
        return [self._signed(delivery.body, "another-secret-0123456789"), Delivery(unsigned, delivery.body)]

    def addresses(self) -> Sequence[str]:
        return [one.url for one in self.vendor.outbound.subscriptions]

    def win_deal(self, closed: date, *, lines: int = 1, won: bool = True) -> str:
        deal = {"name": "Northwind rollout", "account": "Northwind", "close_date": closed.isoformat()}
        sold = [{"product": f"Product {number}", "quantity": 2, "price": 150} for number in range(lines)]
        made = str(self.act("win_deal", **deal, lines=sold)["id"])
        if not won:
            self.act("reopen_deal", id=made)
        return made
