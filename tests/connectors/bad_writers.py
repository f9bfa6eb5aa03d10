"""Connectors that each break one thing in writing, looking up or values; `test_conformance_red` says what must notice."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pocket_connector import PocketConnector
from pocket_vendor import Cut, Item, Missing, Unfit
from pocket_vendor import Page as HtmlPage

from connectors.base import (
    Create,
    Failed,
    Fields,
    Kind,
    Record,
    Ref,
    Update,
    Wanted,
    Write,
    WriteResult,
    Written,
)
from connectors.conformance import At
from connectors.errors import ConnectorError, Refused, TryLater, Unknown

# --- writing


class RepeatsWhatMayHaveLanded(PocketConnector):
    """Sends a create again when its answer did not come, as SDKs do on their own."""

    def call(self, at: At, do: Callable[[], Any], *, safe: bool = True) -> Any:
        return super().call(at, do, safe=True)


class SaysUndoneWhatWasDone(PocketConnector):
    def carry(self, batch: Sequence[Write], at: At) -> list[WriteResult]:
        undone = TryLater("It was not done. It is tried again.", code="PO-LIE-01", delay=5)
        results = super().carry(batch, at)
        lost = [isinstance(result, Failed) and isinstance(result.error, Unknown) for result in results]
        return [Failed(r.write, undone) if was_lost else r for r, was_lost in zip(results, lost, strict=True)]


class SaysRefusedWhereTheAnswerWasLost(PocketConnector):
    def explain(self, error: Exception) -> ConnectorError | None:
        if isinstance(error, Cut | HtmlPage):
            return Refused("The vendor refused it. Correct it.", code="PO-LIE-02")
        return super().explain(error)


class RaisesFromWrite(PocketConnector):
    def carry(self, batch: Sequence[Write], at: At) -> list[WriteResult]:
        return self.call(at, lambda: [self.one(write) for write in batch], safe=not isinstance(batch[0], Create))


class ForgetsToTellOfARefusal(PocketConnector):
    def carry(self, batch: Sequence[Write], at: At) -> list[WriteResult]:
        results = super().carry(batch, at)
        done: list[WriteResult] = [result for result in results if isinstance(result, Written)]
        return done or results


class RefusesABatchForOneRecord(PocketConnector):
    def carry(self, batch: Sequence[Write], at: At) -> list[WriteResult]:
        for write in batch:
            try:
                self.vendor.judge(write.fields)
            except Unfit:
                return [Failed(other, self.refusal("state")) for other in batch]
        return super().carry(batch, at)


class TakesAnyKind(PocketConnector):
    def write(self, writes: Sequence[Write]) -> Iterator[WriteResult]:
        known = [write for write in writes if write.kind is not Kind.LINE]
        yield from super().write(known)
        yield from (self.one(write) for write in writes if write.kind is Kind.LINE)


class TellsEveryRefusalTwice(PocketConnector):
    def write(self, writes: Sequence[Write]) -> Iterator[WriteResult]:
        for result in super().write(writes):
            yield result
            if isinstance(result, Failed) and len(writes) > 1:
                yield result


class SendsOneByOne(PocketConnector):
    def write(self, writes: Sequence[Write]) -> Iterator[WriteResult]:
        for write in writes:
            yield from super().write([write])


class CallsForNothing(PocketConnector):
    def find(self, wanted: Sequence[Wanted]) -> Iterator[Record]:
        self.call(At.READ, lambda: None)
        return super().find(wanted)


class PricesByAsking(PocketConnector):
    def price(self, writes: Sequence[Write]) -> int:
        self.call(At.READ, lambda: None)
        return super().price(writes)


class MakesOneRecordForAll(PocketConnector):
    """Pairs all results of a call with the first record of its answer."""

    def carry(self, batch: Sequence[Write], at: At) -> list[WriteResult]:
        results = super().carry(batch, at)
        first = results[0]
        return [
            Written(r.write, first.ref) if isinstance(first, Written) and isinstance(r, Written) else r for r in results
        ]


class EmptiesWhatItWasNotAskedTo(PocketConnector):
    def apply(self, write: Write, fields: Fields) -> Item:
        there = self.vendor.keyed(write.write_key)
        old = there[0].fields if there and not isinstance(write, Create) else {}
        return super().apply(write, {**dict.fromkeys(old), **fields})


class TripsOverAVanishedRecord(PocketConnector):
    def apply(self, write: Write, fields: Fields) -> Item:
        try:
            return super().apply(write, fields)
        except Missing as gone:
            raise LookupError(write.write_key) from gone


class MakesAnewWhatVanished(PocketConnector):
    def apply(self, write: Write, fields: Fields) -> Item:
        if isinstance(write, Update) and write.ref.id not in self.vendor.items:
            return self.vendor.add(write.kind, fields, key=write.write_key)
        return super().apply(write, fields)


# --- looking up


class FindsByTheIndex(PocketConnector):
    def find(self, wanted: Sequence[Wanted]) -> Iterator[Record]:
        now = self.vendor.clock.now()
        shown = {number for shows, number, _ in self.vendor.changed if shows <= now}
        return (record for record in super().find(wanted) if record.ref.id in shown)


class FindsOneOfTwo(PocketConnector):
    def find(self, wanted: Sequence[Wanted]) -> Iterator[Record]:
        return iter({record.write_key: record for record in super().find(wanted)}.values())


class FindsWhatNobodyWants(PocketConnector):
    def find(self, wanted: Sequence[Wanted]) -> Iterator[Record]:
        kinds = {want.kind for want in wanted}
        return (record for record in super().inventory() if record.kind in kinds)


class FindsOnlyWhatItRemembers(PocketConnector):
    """Looks up in notes of its own; when they are lost, so is everything."""

    def one(self, write: Write) -> WriteResult:
        result = super().one(write)
        if isinstance(result, Written):
            self.memory.put(write.write_key, result.ref.id)
        return result

    def find(self, wanted: Sequence[Wanted]) -> Iterator[Record]:
        known = {want.write_key for want in wanted if self.memory.get(want.write_key)}
        return (record for record in super().find(wanted) if record.write_key in known)


class CountsADoubleOnce(PocketConnector):
    def inventory(self) -> Iterator[Record]:
        return iter({record.write_key: record for record in super().inventory()}.values())


class CountsForeignRecordsToo(PocketConnector):
    def inventory(self) -> Iterator[Record]:
        yield from super().inventory()
        yield Record(Kind.TASK, Ref("K0"), {})


class CountsOnlyWhatItRemembers(FindsOnlyWhatItRemembers):
    def find(self, wanted: Sequence[Wanted]) -> Iterator[Record]:
        return PocketConnector.find(self, wanted)

    def inventory(self) -> Iterator[Record]:
        return (record for record in super().inventory() if self.memory.get(record.write_key))


# --- values


class ShowsMoreThanItSays(PocketConnector):
    """Says that texts are kept whole, and the vendor cuts them."""

    def normalise(self, kind: Kind, fields: Fields) -> Fields:
        return dict(fields)

    def apply(self, write: Write, fields: Fields) -> Item:
        return super().apply(write, {name: self.tidy(value) for name, value in fields.items()})


class NormalisesForEver(PocketConnector):
    def normalise(self, kind: Kind, fields: Fields) -> Fields:
        normal = dict(super().normalise(kind, fields))
        return normal | {"name": f"{normal['name']}!"[:20]} if normal.get("name") else normal


class ReadsBooleansAsNumbers(PocketConnector):
    def record(self, item: Item) -> Record:
        record = super().record(item)
        fields = {name: int(value) if isinstance(value, bool) else value for name, value in record.fields.items()}
        return Record(
            record.kind, record.ref, fields, record.write_key, record.version, lines=record.lines, links=record.links
        )


class ReadsDifferentlyEachTime(PocketConnector):
    def record(self, item: Item) -> Record:
        record = super().record(item)
        return Record(
            record.kind,
            record.ref,
            record.fields,
            record.write_key,
            str(time.perf_counter_ns()),
            lines=record.lines,
            links=record.links,
        )
