"""Connectors that each break one thing in reading, changes or manners; `test_conformance_red` says what must notice."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import islice
from typing import Any

from pocket_connector import PocketConnector
from pocket_vendor import TOKEN, Busy, Cut, Entry, Item, Stranger
from pocket_vendor import Page as HtmlPage

from connectors.base import (
    Capability,
    Changes,
    DealQuery,
    Deals,
    Finding,
    Kind,
    PlanRefs,
    Record,
    Ref,
    Schema,
    TimeChanges,
    TimeEntry,
    Update,
    Write,
    WriteResult,
    Written,
)
from connectors.conformance import At
from connectors.errors import ConnectorError, NotAuthorised, Refused, TryLater, Unknown

# --- reading


class TakesSilenceForAnEmptyAnswer(PocketConnector):
    def call(self, at: At, do: Callable[[], Any], *, safe: bool = True) -> Any:
        try:
            return super().call(at, do, safe=safe)
        except TryLater as error:
            if at is At.READ and error.code == "PO-CUT-01":
                return []
            raise


class NeverTriesAgain(PocketConnector):
    def call(self, at: At, do: Callable[[], Any], *, safe: bool = True) -> Any:
        return super().call(at, do, safe=False)


class ShowsHalfWhenCut(PocketConnector):
    """Takes what came before the connection broke for all there is."""

    def explain(self, error: Exception) -> ConnectorError | None:
        return (
            TryLater("Half of it came. It is tried again.", code="PO-CUT-01", delay=99999)
            if isinstance(error, Cut | HtmlPage)
            else super().explain(error)
        )

    def inventory(self) -> Iterator[Record]:
        try:
            yield from super().inventory()
        except TryLater:
            return


class StumblesOverAVanishedTask(PocketConnector):
    def held(self, wanted: Sequence[str]) -> list[Item]:
        found = super().held(wanted)
        if len(found) < len(set(wanted)):
            raise Refused("A task is gone. Restore it.", code="PO-GONE-02")
        return found


class ReadsOnePageOfDeals(PocketConnector):
    def paged(self, since: date, until: date) -> Iterator[Item]:
        return islice(super().paged(since, until), 5)


class EndsQuietlyInTheMiddle(PocketConnector):
    def paged(self, since: date, until: date) -> Iterator[Item]:
        try:
            yield from super().paged(since, until)
        except ConnectorError:
            return


class LeavesMovedTimeWhereItWas(PocketConnector):
    def time_entry(self, entry: Entry) -> TimeEntry:
        first = next(one for _, one in self.vendor.timed if one.id == entry.id)
        return TimeEntry(entry.id, first.item, "ada", entry.seconds, entry.at, entry.at)


class CountsAPageForTheTotal(PocketConnector):
    def deals(self, query: DealQuery) -> Deals:
        return Deals(super().deals(query).records, total=5)


class AsksForWonDealsOnly(PocketConnector):
    def deals(self, query: DealQuery) -> Deals:
        deals = super().deals(query)
        return Deals((d for d in deals if self.vendor.items[d.ref.id].fields["won"]), total=deals.total)


class LeavesLinksAndLinesOut(PocketConnector):
    def record(self, item: Item) -> Record:
        record = super().record(item)
        return Record(record.kind, record.ref, record.fields, record.write_key, record.version)


class DoesWhatItDoesNotDeclare(PocketConnector):
    capabilities = frozenset({Capability.DEALS, Capability.TASKS})


# --- changes and time


class LosesWhatShowsLate(PocketConnector):
    """Takes the newest change that exists for the end of what it was shown."""

    def feed(self, start: int | None) -> tuple[int, set[str]]:
        _, seen = super().feed(start)
        return len(self.vendor.changed), seen


class TellsAnEditOnlyOnce(PocketConnector):
    """Remembers in its notes what it told, whether or not anybody kept it."""

    def feed(self, start: int | None) -> tuple[int, set[str]]:
        known = int(self.memory.get("told") or 0)
        end, seen = super().feed(max(start, known) if start is not None else None)
        self.memory.put("told", str(end))
        return end, seen


class TellsEverythingForEver(PocketConnector):
    def feed(self, start: int | None) -> tuple[int, set[str]]:
        return super().feed(0 if start is not None else None)

    def is_news(self, who: str) -> bool:
        return True


class SweepsInTwoCalls(PocketConnector):
    def changes(self, cursor: str) -> Changes:
        self.call(At.READ, lambda: None)
        return super().changes(cursor)


class TakesAnEditForItsOwn(PocketConnector):
    """Silences every record that it wrote itself since, as an echo filter by id does."""

    def feed(self, start: int | None) -> tuple[int, set[str]]:
        end, seen = super().feed(start)
        own = {number for _, number, who in self.vendor.changed[start or 0 : end] if who == "closedwon"}
        return end, set() if own else seen


class TellsDeletedDealsAsTheyWere(PocketConnector):
    def light(self, number: str) -> Record:
        return Record(Kind.DEAL, Ref(number), {})


class TellsOfNoDeals(PocketConnector):
    def changes(self, cursor: str) -> Changes:
        changes = super().changes(cursor)
        return Changes(changes.cursor, changes.touched)


class ForgetsDeletedTime(PocketConnector):
    def time_changes(self, cursor: str) -> TimeChanges:
        changes = super().time_changes(cursor)
        return TimeChanges(changes.cursor, changes.entries)


class KnowsNoContainers(PocketConnector):
    def containers(self, ids: Sequence[str]) -> Mapping[str, str]:
        return {}


class KeepsDeletedTime(PocketConnector):
    def time_entries(self, ids: Sequence[str] | None = None) -> Iterator[TimeEntry]:
        shown = self.call(At.READ, lambda: [entry for _, entry in self.vendor.timed])
        for entry in shown:
            if entry.seconds and (ids is None or entry.id in ids):
                yield self.time_entry(entry)


class SkipsTimeThatShowsLate(PocketConnector):
    def time_changes(self, cursor: str) -> TimeChanges:
        changes = super().time_changes(cursor)
        return TimeChanges(str(len(self.vendor.timed)), changes.entries, changes.removed)


class ReadsTimeEntryByEntry(PocketConnector):
    def time_changes(self, cursor: str) -> TimeChanges:
        for _ in range(3):
            self.call(At.READ, lambda: None)
        return super().time_changes(cursor)


# --- manners


class DoesNotListenToLimits(PocketConnector):
    def explain(self, error: Exception) -> ConnectorError | None:
        if isinstance(error, Busy):
            return TryLater("Too many calls. It goes on by itself.", code="PO-BUSY-01", delay=0)
        return super().explain(error)


class BelievesAnyRetryAfter(PocketConnector):
    def explain(self, error: Exception) -> ConnectorError | None:
        if isinstance(error, Busy):
            asked = error.headers.get("Retry-After", "5")
            delay = float(asked) if asked.lstrip("-").replace(".", "").isdigit() or asked == "inf" else 7.0
            return TryLater("Too many calls. It goes on by itself.", code="PO-BUSY-01", delay=delay)
        return super().explain(error)


class SleepsThroughAnything(PocketConnector):
    patience = 1e9


class GivesUpAtALimit(PocketConnector):
    def explain(self, error: Exception) -> ConnectorError | None:
        if isinstance(error, Busy):
            return Refused("Too many calls. Make fewer.", code="PO-BUSY-02")
        return super().explain(error)


class SignsInForEver(PocketConnector):
    def explain(self, error: Exception) -> ConnectorError | None:
        if isinstance(error, Stranger):
            return Unknown("The token is not known. It is tried again.", code="PO-TOKEN-02")
        return super().explain(error)


class TakesAStrangersAnswer(PocketConnector):
    """Believes the empty answer that a vendor gives to somebody whom it does not know."""

    def call(self, at: At, do: Callable[[], Any], *, safe: bool = True) -> Any:
        try:
            return super().call(at, do, safe=safe)
        except NotAuthorised:
            if at is At.READ:
                return []
            raise


class LeaksByItsMessage(PocketConnector):
    def explain(self, error: Exception) -> ConnectorError | None:
        if isinstance(error, Stranger):
            return NotAuthorised(f"The token {TOKEN} is not known. Set a new one.", code="PO-TOKEN-01")
        return super().explain(error)


class LeaksByItsChain(PocketConnector):
    def call(self, at: At, do: Callable[[], Any], *, safe: bool = True) -> Any:
        try:
            return super().call(at, do, safe=safe)
        except ConnectorError as error:
            raise error from ValueError({"Authorization": f"Bearer {TOKEN}"})


class LeaksByItsLog(PocketConnector):
    def call(self, at: At, do: Callable[[], Any], *, safe: bool = True) -> Any:
        logging.getLogger("pocket").debug("calling with %s", TOKEN)
        return super().call(at, do, safe=safe)


class LeaksByItsNotes(PocketConnector):
    def call(self, at: At, do: Callable[[], Any], *, safe: bool = True) -> Any:
        self.memory.put("session", TOKEN)
        return super().call(at, do, safe=safe)


class LeaksByItsRepr(PocketConnector):
    def __repr__(self) -> str:
        return f"PocketConnector(token={TOKEN!r})"


class BelongsToOneThread(PocketConnector):
    def write(self, writes: Sequence[Write]) -> Iterator[WriteResult]:
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("made in another thread")
        return super().write(writes)


class DescribesHalf(PocketConnector):
    def describe(self) -> Schema:
        return Schema({kind: fields[:1] for kind, fields in super().describe().objects.items()})


class ChecksByRaising(PocketConnector):
    def check(self) -> Iterable[Finding]:
        self.call(At.READ, lambda: None)
        return super().check()


class ChecksWithoutLooking(PocketConnector):
    def check(self) -> Iterable[Finding]:
        return []


class SaysNothingToTheOperator(PocketConnector):
    def explain(self, error: Exception) -> ConnectorError | None:
        explained = super().explain(error)
        if explained is not None:
            explained.args = ("oops",)
            explained.code = "oops"
        return explained


class ClosesOnce(PocketConnector):
    shut = False

    def close(self) -> None:
        if self.shut:
            raise RuntimeError("closed already")
        self.shut = True


class ShowsNoPlans(PocketConnector):
    def fetch(self, plans: Sequence[PlanRefs]) -> Iterator[Record]:
        return (record for record in super().fetch(plans) if record.kind is not Kind.PLAN)


# --- what others made


class LooksForOneTextAtATime(PocketConnector):
    def lookup(self, field: str, values: Sequence[str]) -> Iterator[Record]:
        for value in values:
            yield from super().lookup(field, [value])


class FindsOnlyItsOwn(PocketConnector):
    def lookup(self, field: str, values: Sequence[str]) -> Iterator[Record]:
        return (record for record in super().lookup(field, values) if record.write_key)


class TakesOverWithoutAKey(PocketConnector):
    def take_over(self, records: Sequence[Update]) -> Iterator[WriteResult]:
        return (Written(record, record.ref) for record in records)


class WritesOverWhatPeopleWrote(PocketConnector):
    def take_over(self, records: Sequence[Update]) -> Iterator[WriteResult]:
        return super().take_over([replace(record, fields={"name": "Ours now"}) for record in records])


class TakesOverByMakingAnother(PocketConnector):
    def take_over(self, records: Sequence[Update]) -> Iterator[WriteResult]:
        yield from super().take_over(records)
        for one in records[1:]:
            self.vendor.add(one.kind, {}, key=one.write_key, plan=one.ref.container)
