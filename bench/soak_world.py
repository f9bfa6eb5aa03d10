"""The world of the soak test: vendors that fail, a courier that loses and doubles, people who edit all the time.

Built by `bench/soak.py`. It lives in the soak's own process, in real time, and repeats its dice by seed; when which
die is thrown depends on the machine. It never speaks to the product: it does what people at the vendors do.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from simulator.app import Simulator
from simulator.courier import Answer, Delivery
from simulator.jira.calls import Problem as JiraProblem
from simulator.people import ENGINEERS, RENAMED, Crowd
from simulator.salesforce.problems import Problem as SalesforceProblem

EVERYWHERE: Mapping[str, Mapping[str, Any]] = {
    "drop_before": {},
    "drop_after": {},
    "late_commit": {"seconds": 2},
    "delay": {"seconds": 0.5},
    "status": {"status": 503},
    "html": {"status": 502},
    "truncate": {},
}
FLEETING: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "salesforce": {
        "session_expired": {},
        "concurrent_limit": {},
        "total_limit": {},
        "lock_row": {},
        "row_error": {},
        "server_unavailable": {},
        "query_timeout": {},
        "login_rate": {},
        "html_401": {},
    },
    "jira": {
        "rate_limited": {"retry_after": 1},
        "gateway_429": {},
        "unavailable": {"retry_after": 1},
        "error_500": {},
        "error_502": {},
        "conflict_409": {},
        "bad_page_token": {},
        "empty_json": {},
    },
    "smartsheet": {
        "rate_limited": {"retry_after": 1},
        "html_429": {"retry_after": 1},
        "maintenance_4001": {"retry_after": 1},
        "captive_portal": {"retry_after": 1},
        "error_4000": {},
        "error_4002": {},
        "error_4004": {},
        "html_502": {},
    },
}
"""What a vendor says when it cannot now. Pauses are asked for in seconds, so that the soak is not spent in waiting."""

DEFINITE: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "salesforce": {"validation_rule": {}, "duplicate_external_id": {}},
    "jira": {"permission_lost": {}, "field_vanished": {}, "token_expired": {}},
    "smartsheet": {"not_found": {}, "not_authorised": {}, "gone_4005": {}, "plan": {}, "token_expired": {}},
}
"""What a vendor says when it will not ever: it is held back for a person, so these come ten times more seldom."""

UNLUCKY = {"loss": 0.1, "duplicates": 0.1, "reordering": 0.1}
LAGS: Mapping[str, Mapping[str, Any]] = {
    "salesforce": {"visible_after_seconds": 1},
    "jira": {"search_lag_seconds": 5, "search_flicker": 0.2},
    "smartsheet": {"list_lag_seconds": 5},
}
READS = ("/token", "/bulkfetch", "/worklog/list", "/search/jql", "/issue/properties")
"""Ends of addresses that are asked by POST and change nothing."""

_REFUSED = (LookupError, ValueError, JiraProblem, SalesforceProblem)


@dataclass
class Heard:
    """Every callback that the receiver acknowledged, as it was sent: connection, headers, body."""

    acknowledged: list[tuple[str, Mapping[str, str], bytes]] = field(default_factory=list)
    refused: dict[int, int] = field(default_factory=dict)
    """How often it said something else, by status; 0 is no answer."""

    def __call__(self, delivery: Delivery, answer: Answer) -> None:
        """Take note; called by the courier."""
        if 200 <= answer.status < 300:
            connection = urlsplit(delivery.url).path.split("/")[2]
            headers = {name.lower(): value for name, value in delivery.headers.items()}
            self.acknowledged.append((connection, headers, delivery.body))
        else:
            self.refused[answer.status] = self.refused.get(answer.status, 0) + 1


def trouble(simulator: Simulator, share: float) -> None:
    """Let that share of all calls fail, each vendor's in all the ways that it has, and the courier be unlucky."""
    with simulator.world.lock:
        for vendor, own in FLEETING.items():
            _rules(simulator, vendor, {**EVERYWHERE, **own}, share)
            _rules(simulator, vendor, DEFINITE[vendor], share / 10)
        simulator.world.courier.knobs.update(UNLUCKY)
        for vendor, knobs in LAGS.items():
            simulator.vendors[vendor].knobs.update(knobs)


def _rules(simulator: Simulator, vendor: str, faults: Mapping[str, Mapping[str, Any]], share: float) -> None:
    each = 1 - (1 - share) ** (1 / len(faults))
    for name, args in faults.items():
        simulator.world.faults.add(name, vendor=vendor, times=None, probability=each, args=dict(args))


def calm(simulator: Simulator) -> int:
    """End all trouble, lags included; return how many calls had failed."""
    with simulator.world.lock:
        struck = sum(simulator.world.faults.hits.values())
        simulator.world.faults.clear()
        simulator.world.courier.knobs.update(dict.fromkeys(UNLUCKY, 0.0))
        for vendor, knobs in LAGS.items():
            simulator.vendors[vendor].knobs.update(dict.fromkeys(knobs, 0))
        # What a vendor commits late, indexes late or lists late is there by then.
        simulator.world.clock.advance(150)
    return struck


def write_calls(simulator: Simulator) -> int:
    """Count the calls so far that could have changed something."""
    calls = simulator.world.calls.items()
    return sum(n for (_, call), n in calls if not call.startswith("GET") and not call.endswith(READS))


class Town:
    """Everybody who edits: sales, a crowd of engineers and coordinators, and those who correct their hours."""

    def __init__(self, simulator: Simulator, seed: int, *, most: int) -> None:
        self.deals: list[str] = []
        self.edits = 0
        self._simulator = simulator
        self._dice = random.Random(seed)
        self._crowd = Crowd(simulator.vendors, seed)
        self._most = most
        self._open: set[str] = set()
        self._acts: tuple[Callable[[], object], ...] = (self._correct_hours, self._edit_deal, self._reopen_deal)

    def live(self, stopping: threading.Event, *, seconds: float, pause: float) -> None:
        """Edit every `pause` seconds until told to stop; the deals are won evenly over the first half of `seconds`."""
        wins = seconds / 2 / self._most
        spent = 0.0
        while not stopping.wait(pause * self._dice.uniform(0.5, 1.5)):
            spent += pause
            if len(self.deals) < self._most and spent >= wins * len(self.deals):
                self.win()
            self.edit()

    def win(self) -> None:
        """Have a deal won."""
        number = len(self.deals)
        with self._simulator.world.lock:
            deal = {"name": f"Deal {number}", "account": f"Customer {number}", "hours": 40 + number}
            day = self._simulator.world.clock.now().date().isoformat()
            self.deals.append(self._simulator.salesforce.act("win_deal", {**deal, "close_date": day})["id"])
        self.edits += 1

    def edit(self) -> None:
        """Let somebody do something; who is refused shrugs and goes on."""
        with self._simulator.world.lock, suppress(*_REFUSED):
            if self._dice.random() < 0.1:
                self._undo_renames()
            elif self._dice.random() < 0.7:
                self.edits += len(self._crowd.step())
            else:
                self._dice.choice(self._acts)()
                self.edits += 1

    def rest(self) -> None:
        """Leave nothing behind that waits for a person: deals are won again, names are those of the mapping again."""
        with self._simulator.world.lock:
            self._undo_renames()
            for deal in self._open:
                self._win_again(deal)
        self._open.clear()

    def _correct_hours(self) -> None:
        jira = self._simulator.jira
        log = self._dice.choice([0, *jira.site.worklogs.by_id])
        if self._dice.random() < 0.3:
            jira.act("delete_worklog", {"worklog": log, "who": ENGINEERS[0]})
            return
        if self._dice.random() < 0.3:
            issues = [number for number, issue in jira.site.issues.by_id.items() if issue.type.name != "Epic"]
            jira.act("move_worklog", {"worklog": log, "issue": self._dice.choice(issues), "who": ENGINEERS[0]})
            return
        seconds = 60 * self._dice.randint(1, 600)
        jira.act("edit_worklog", {"worklog": log, "seconds": seconds, "who": ENGINEERS[1]})

    def _edit_deal(self) -> None:
        fields = {"Contracted_Hours__c": self._dice.randint(1, 400)}
        self._simulator.salesforce.act("edit_deal", {"id": self._dice.choice(self.deals), "fields": fields})

    def _reopen_deal(self) -> None:
        """Reopen a deal, or win one again that was reopened."""
        if self._open and self._dice.random() < 0.7:
            self._win_again(self._open.pop())
            return
        deal = self._dice.choice(self.deals)
        self._open.add(deal)
        self._simulator.salesforce.act("reopen_deal", {"id": deal})

    def _undo_renames(self) -> None:
        """Give statuses and columns that an admin renamed their names back: what waits for that goes on."""
        jira, smartsheet = self._simulator.jira, self._simulator.smartsheet
        for status in jira.site.schema.statuses.values():
            if status.name.endswith(RENAMED):
                jira.act("rename_status", {"status": status.id, "name": status.name.removesuffix(RENAMED)})
        for sheet in smartsheet.state.sheets.values():
            for column in sheet.columns:
                if column.title.endswith(RENAMED):
                    title = column.title.removesuffix(RENAMED)
                    smartsheet.act("rename_column", {"sheet": sheet.id, "column": column.id, "title": title})

    def _win_again(self, deal: str) -> None:
        self._simulator.salesforce.act("edit_deal", {"id": deal, "fields": {"StageName": "Closed Won"}})
