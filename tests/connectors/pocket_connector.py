"""A connector for the pocket vendor that keeps the whole contract, in as little code as that takes.

docs/writing-a-connector.md walks through it. Its steps are methods of their own, so that tests can break one at a time.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import TypeVar

from pocket_events import PocketEvents
from pocket_vendor import PAGE, TOKEN, Busy, Cut, Entry, Item, Missing, Pocket, Stranger, Unfit
from pocket_vendor import Page as HtmlPage

from connectors.base import (
    Capability,
    Changes,
    Create,
    DealQuery,
    Deals,
    Failed,
    Fields,
    FieldSchema,
    Finding,
    Kind,
    Level,
    Memory,
    PlanRefs,
    Record,
    Ref,
    Schema,
    TimeChanges,
    TimeEntry,
    Update,
    Upsert,
    Value,
    Wanted,
    Write,
    WriteResult,
    Written,
)
from connectors.conformance import At
from connectors.errors import ConnectorError, NotAuthorised, Refused, TryLater, Unknown
from connectors.http import Caller, HttpSettings, retry_after

T = TypeVar("T")

BATCH = 6
LONGEST = 20
_PLACES: Mapping[type[Create | Update | Upsert], frozenset[Kind]] = {
    Create: frozenset({Kind.PLAN, Kind.TASK}),
    Update: frozenset({Kind.PLAN, Kind.TASK}),
    Upsert: frozenset({Kind.ONBOARDING}),
}


class PocketConnector(PocketEvents):
    """All three capabilities over one Pocket, and its events."""

    capabilities = frozenset(Capability)
    patience = 60.0

    def __init__(
        self,
        vendor: Pocket,
        *,
        fields: Mapping[Kind, tuple[str, ...]],
        memory: Memory,
        sleep: Callable[[float], None],
    ) -> None:
        self.name = "pocket"
        self.vendor = vendor
        self.fields = fields
        self.memory = memory
        settings = HttpSettings(hosts=frozenset(), patience=self.patience)
        self._caller = Caller(settings, explain=self.explain, vendor="Pocket", sleep=sleep)

    # --- the wire

    def call(self, at: At, do: Callable[[], T], *, safe: bool = True) -> T:
        return self._caller.call(lambda: self.vendor.call(at, TOKEN, do), safe=safe)

    def explain(self, error: Exception) -> ConnectorError | None:
        if isinstance(error, Cut | HtmlPage):
            return Unknown("The answer did not come. It is looked up and tried again by itself.", code="PO-CUT-01")
        if isinstance(error, Busy):
            asked = retry_after(error.headers, now=self.vendor.clock.now())
            return TryLater(
                "Too many calls. It goes on by itself.", code="PO-BUSY-01", delay=5 if asked is None else asked
            )
        if isinstance(error, Stranger):
            return NotAuthorised("The token is not known. Set a new one.", code="PO-TOKEN-01")
        return None

    # --- reading

    def deals(self, query: DealQuery) -> Deals:
        if query.ids:
            found = self.call(
                At.READ, lambda: [self.vendor.items[one] for one in query.ids if one in self.vendor.items]
            )
            return Deals(map(self.record, found), total=len(found))
        since, until = query.won_since or date.min, query.won_until or date.max
        total = len(self.call(At.READ, lambda: self.vendor.won(since, until)))
        return Deals(map(self.record, self.paged(since, until)), total=total)

    def paged(self, since: date, until: date) -> Iterator[Item]:
        for start in itertools.count(step=PAGE):
            page = self.page(since, until, start)
            if not page:
                return
            yield from page

    def page(self, since: date, until: date, start: int) -> list[Item]:
        return self.call(At.READ, lambda: self.vendor.won(since, until)[start : start + PAGE])

    def changes(self, cursor: str) -> Changes:
        end, seen = self.call(At.READ, lambda: self.feed(int(cursor) if cursor else None))
        deals = tuple(self.light(number) for number in sorted(seen) if number.startswith("D"))
        return Changes(str(end), frozenset(seen), deals)

    def feed(self, start: int | None) -> tuple[int, set[str]]:
        """Return where the feed ends as it is shown now, and what others changed since."""
        now = self.vendor.clock.now()
        end = sum(shows <= now for shows, _, _ in self.vendor.changed)
        new = self.vendor.changed[start:end] if start is not None else []
        return end, {number for _, number, who in new if self.is_news(who)}

    def is_news(self, who: str) -> bool:
        return who != "closedwon"

    def light(self, number: str) -> Record:
        item = self.vendor.items.get(number)
        return self.record(item) if item is not None else Record(Kind.DEAL, Ref(number), {}, deleted=True)

    def time_changes(self, cursor: str) -> TimeChanges:
        start = int(cursor or 0)
        now = self.vendor.clock.now()
        shown = self.call(At.READ, lambda: [entry for shows, entry in self.vendor.timed if shows <= now])
        latest = {entry.id: entry for entry in shown[start:]}
        entries = tuple(self.time_entry(entry) for entry in latest.values() if entry.seconds)
        return TimeChanges(str(len(shown)), entries, tuple(one.id for one in latest.values() if not one.seconds))

    def time_entries(self, ids: Sequence[str] | None = None) -> Iterator[TimeEntry]:
        shown = self.call(At.READ, lambda: [entry for _, entry in self.vendor.timed])
        latest = {entry.id: entry for entry in shown}
        yield from (self.time_entry(e) for e in latest.values() if e.seconds and (ids is None or e.id in ids))

    def containers(self, ids: Sequence[str]) -> Mapping[str, str]:
        return {item.id: item.plan for item in self.call(At.READ, lambda: self.held(ids)) if item.plan}

    def time_entry(self, entry: Entry) -> TimeEntry:
        return TimeEntry(entry.id, entry.item, "ada", entry.seconds, entry.at, entry.at)

    def fetch(self, plans: Sequence[PlanRefs]) -> Iterator[Record]:
        wanted = [ref.id for plan in plans for ref in (plan.plan, *plan.tasks)]
        if wanted:
            yield from map(self.record, self.call(At.READ, lambda: self.held(wanted)))

    def held(self, wanted: Sequence[str]) -> list[Item]:
        return [self.vendor.items[number] for number in dict.fromkeys(wanted) if number in self.vendor.items]

    def mark(self) -> str:
        return ""

    def find(self, wanted: Sequence[Wanted]) -> Iterator[Record]:
        if wanted:
            items = self.call(At.READ, lambda: [item for want in wanted for item in self.vendor.keyed(want.write_key)])
            yield from map(self.record, items)

    def inventory(self) -> Iterator[Record]:
        yield from map(self.record, self.call(At.READ, lambda: [one for one in self.vendor.items.values() if one.key]))

    def record(self, item: Item) -> Record:
        links = tuple({"Id": one.id} for one in self.vendor.keyed(item.id))
        return Record(
            item.kind,
            Ref(item.id, item.plan),
            dict(item.fields),
            write_key=item.key,
            version=str(item.version),
            lines=({"product": "Seat"},) * item.lines,
            links=links,
        )

    # --- what others made

    def existing(self) -> PocketConnector:
        return self

    def lookup(self, field: str, values: Sequence[str]) -> Iterator[Record]:
        if values:
            plans = self.call(At.READ, lambda: [one for one in self.vendor.items.values() if one.kind is Kind.PLAN])
            yield from (self.record(plan) for plan in plans if plan.fields.get(field) in values)

    def contents(self, plans: Sequence[Ref]) -> Iterator[Record]:
        if plans:
            homes = {plan.id for plan in plans}
            found = self.call(At.READ, lambda: [one for one in self.vendor.items.values() if one.plan in homes])
            yield from map(self.record, found)

    def take_over(self, records: Sequence[Update]) -> Iterator[WriteResult]:
        for record in records:
            try:
                self.call(At.UPDATE, lambda one=record: self.vendor.mark(one.ref.id, one.write_key, one.fields))
            except ConnectorError as error:
                yield Failed(record, error)
            else:
                yield Written(record, record.ref)

    # --- writing

    def write(self, writes: Sequence[Write]) -> Iterator[WriteResult]:
        fit = [write for write in writes if write.kind in _PLACES[type(write)]]
        yield from (Failed(write, self.refusal("kind")) for write in writes if write.kind not in _PLACES[type(write)])
        for sort, at in ((Create, At.CREATE), (Upsert, At.CREATE), (Update, At.UPDATE)):
            chosen = [write for write in fit if isinstance(write, sort)]
            for start in range(0, len(chosen), BATCH):
                yield from self.carry(chosen[start : start + BATCH], at)

    def carry(self, batch: Sequence[Write], at: At) -> list[WriteResult]:
        # Only a create may not be repeated: the others set fixed values under an id or a unique key.
        safe = not isinstance(batch[0], Create)
        try:
            return self.call(at, lambda: [self.one(write) for write in batch], safe=safe)
        except ConnectorError as error:
            return [Failed(write, error) for write in batch]

    def one(self, write: Write) -> WriteResult:
        """Do one write, at the vendor."""
        fields = self.normalise(write.kind, write.fields)
        try:
            item = self.apply(write, fields)
        except Unfit as unfit:
            return Failed(write, self.refusal(str(unfit)))
        except Missing:
            return Failed(write, Refused("The record is gone. Restore it.", code="PO-GONE-01"))
        return Written(write, Ref(item.id, item.plan), {name: item.fields[name] for name in fields})

    def apply(self, write: Write, fields: Fields) -> Item:
        if isinstance(write, Update):
            return self.vendor.change(write.ref.id, fields)
        there = self.vendor.keyed(write.write_key) if isinstance(write, Upsert) else []
        if there:
            return self.vendor.change(there[0].id, fields)
        plan = write.plan.id if isinstance(write, Create) and write.plan is not None else ""
        return self.vendor.add(write.kind, fields, key=write.write_key, plan=plan)

    def refusal(self, field: str) -> Refused:
        return Refused(f"The vendor does not take {field}. Correct the mapping.", code="PO-VALUE-01", field=field)

    def price(self, writes: Sequence[Write]) -> int:
        counts = [sum(isinstance(write, sort) for write in writes) for sort in (Create, Upsert, Update)]
        return sum(-(-count // BATCH) for count in counts)

    def normalise(self, kind: Kind, fields: Fields) -> Fields:
        del kind
        return {name: self.tidy(value) for name, value in fields.items()}

    def tidy(self, value: Value) -> Value:
        return (value.strip()[:LONGEST].rstrip() or None) if isinstance(value, str) else value

    # --- the rest

    def describe(self) -> Schema:
        return Schema(
            {
                kind: tuple(FieldSchema(name, name, "text", writable=True) for name in names)
                for kind, names in self.fields.items()
            }
        )

    def check(self) -> Iterable[Finding]:
        try:
            self.call(At.READ, lambda: None)
        except ConnectorError as error:
            return [Finding(Level.ERROR, error.code, error.message, "Set a new token, or wait.")]
        return [Finding(Level.OK, "PO-OK-01", "Signed in.")]

    def close(self) -> None:
        """Nothing is open."""
