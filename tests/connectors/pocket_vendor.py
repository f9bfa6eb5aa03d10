"""A vendor that fits into a pocket: deals, plans, tasks and time in memory, with an index that lags and calls that break.

It is to the conformance suite what a simulator is: the other side. Nothing here knows a connector.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any, TypeVar

from pocket_hooks import PocketHooks

from connectors.base import Fields, Kind
from connectors.conformance import LATE, At, Break
from simulator.clock import Clock

T = TypeVar("T")

TOKEN = "pocket-token"
PAGE = 5
OURS, SOMEBODY = "closedwon", "ada"


class Cut(Exception):
    """The connection broke before its answer was complete."""


class Page(Exception):
    """Something that is not the vendor answered with a page."""


class Stranger(Exception):
    """The token is not known."""


class Busy(Exception):
    """Too many calls; `headers` may say how long to wait."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        super().__init__("busy")
        self.headers = headers


class Unfit(Exception):
    """A record cannot be taken as it is."""


class Missing(Exception):
    """There is no such record."""


@dataclass(frozen=True)
class Item:
    """One record of the vendor's."""

    id: str
    kind: Kind
    fields: Fields
    key: str = ""
    plan: str = ""
    lines: int = 0
    version: int = 0


@dataclass(frozen=True)
class Entry:
    """Logged time; `seconds` of 0 says that it was deleted."""

    id: str
    item: str
    seconds: int
    at: datetime


@dataclass
class Pocket:
    """The vendor: its records, its two feeds, and what is about to go wrong."""

    clock: Clock = field(default_factory=lambda: Clock(datetime(2026, 11, 20, 9, 0, tzinfo=UTC), frozen=True))
    items: dict[str, Item] = field(default_factory=dict)
    entries: dict[str, Entry] = field(default_factory=dict)
    changed: list[tuple[datetime, str, str]] = field(default_factory=list)
    """When it shows, whose record, by whom: the feed of changes."""
    timed: list[tuple[datetime, Entry]] = field(default_factory=list)
    faults: list[tuple[Break, At | None, str | None]] = field(default_factory=list)
    tokens: set[str] = field(default_factory=lambda: {TOKEN})
    lag: float = 0.0
    calls: int = 0
    hooks: PocketHooks = field(init=False)
    _numbers: Any = field(default_factory=lambda: itertools.count(1))
    _one_at_a_time: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        self.hooks = PocketHooks(self.clock)

    def call(self, at: At, token: str, do: Callable[[], T]) -> T:
        """Answer one call, as the next fault allows; whoever calls from many threads waits for the others."""
        with self._one_at_a_time:
            return self._answer(at, token, do)

    def _answer(self, at: At, token: str, do: Callable[[], T]) -> T:
        self.calls += 1
        self.clock.run_due()
        fault, retry_after = self._fault(at)
        if fault is Break.DOWN or fault is Break.DROP_BEFORE:
            raise Cut
        if fault is Break.LATE_COMMIT:
            self.clock.call_in(LATE, lambda: _ignore(do()))
            raise Cut
        if fault is Break.SIGNED_OUT_ONCE or token not in self.tokens:
            raise Stranger
        if fault is Break.RATE_LIMIT:
            raise Busy({} if retry_after is None else {"Retry-After": retry_after})
        if fault is Break.HTML:
            raise Page
        answer = do()
        if fault is not None:
            raise Cut
        return answer

    def _fault(self, at: At) -> tuple[Break | None, str | None]:
        for fault in self.faults:
            how, where, retry_after = fault
            if where is None or where is at:
                if how is not Break.DOWN:
                    self.faults.remove(fault)
                return how, retry_after
        return None, None

    def add(self, kind: Kind, fields: Fields, *, who: str = OURS, **parts: Any) -> Item:
        """Keep a new record; raises Unfit."""
        self.judge(fields)
        item = Item(f"{kind[0].upper()}{next(self._numbers)}", kind, dict(fields), **parts)
        return self._keep(item, who)

    def change(self, number: str, fields: Fields, *, who: str = OURS) -> Item:
        """Change a record; raises Missing and Unfit."""
        if number not in self.items:
            raise Missing(number)
        self.judge(fields)
        item = self.items[number]
        return self._keep(replace(item, fields={**item.fields, **fields}, version=item.version + 1), who)

    def mark(self, number: str, key: str, fields: Fields) -> Item:
        """Give a record a write key; raises Missing and Unfit."""
        item = self.change(number, fields)
        self.items[number] = replace(item, key=key)
        return self.items[number]

    def remove(self, number: str, *, who: str = SOMEBODY) -> None:
        """Delete a record."""
        del self.items[number]
        self._note(number, who)

    def judge(self, fields: Fields) -> None:
        """Refuse what does not fit; raises Unfit."""
        if fields.get("state") not in (None, "open", "done"):
            raise Unfit("state")

    def log(self, entry: Entry) -> str:
        """Keep an entry of time as it is now."""
        self.entries[entry.id] = entry
        self.timed.append((self._shows(), entry))
        return entry.id

    def keyed(self, key: str) -> list[Item]:
        """Return all records of a write key; a connector reads links by it beside its calls, from many threads."""
        with self._one_at_a_time:
            return [item for item in self.items.values() if item.key == key]

    def won(self, since: date, until: date) -> list[Item]:
        """Return deals won in these days, in order."""
        deals = [item for item in self.items.values() if item.kind is Kind.DEAL and item.fields["won"]]
        return [deal for deal in deals if since <= deal.fields["closed"] <= until]  # type: ignore[operator]

    def _keep(self, item: Item, who: str) -> Item:
        self.items[item.id] = item
        self._note(item.id, who)
        self.hooks.tell({"record": item.id, "plan": item.plan})
        return item

    def _note(self, number: str, who: str) -> None:
        self.changed.append((self._shows(), number, who))

    def _shows(self) -> datetime:
        return datetime.fromtimestamp(self.clock.now().timestamp() + self.lag, UTC)


def _ignore(_: object) -> None:
    """Nobody waits for what is done late."""
