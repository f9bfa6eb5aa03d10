"""The workbench of the sentences: one rig, one connector, and short ways to write, read back and compare.

Used by the modules of this package that hold sentences. It decides nothing about the contract.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import TypeVar

from connectors.base import (
    Connector,
    Create,
    Failed,
    Fields,
    Kind,
    PlanRefs,
    Record,
    Ref,
    Update,
    Upsert,
    Wanted,
    Write,
    WriteResult,
    Written,
)
from connectors.conformance.rig import DEAL, Rig
from connectors.errors import ConnectorError

T = TypeVar("T")

CLOSED = date(2026, 11, 18)
"""The day on which the suite's deals are won."""


class Broken(AssertionError):
    """A connector does not keep a sentence; the text says what was seen."""


def expect(condition: object, why: str) -> None:
    """Raise Broken unless the condition holds."""
    if not condition:
        raise Broken(why)


def equal(seen: object, wanted: object, what: str) -> None:
    """Raise Broken unless both are equal, and of one type where they are plain values."""
    if seen != wanted:
        raise Broken(f"{what}: {seen!r}, where {wanted!r} is right")


def raises(do: Callable[[], object], *kinds: type[Exception]) -> Exception:
    """Run and return what was raised; raises Broken where nothing or something else was."""
    try:
        seen = do()
    except kinds as error:
        return error
    except Exception as error:
        raise Broken(f"{type(error).__name__} came, where {_names(kinds)} is right: {error}") from error
    raise Broken(f"{seen!r} was returned, where {_names(kinds)} is right")


def _names(kinds: Iterable[type[Exception]]) -> str:
    return " or ".join(kind.__name__ for kind in kinds)


class Bench:
    """One rig with a connector on it. Close it when done."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self._opened: list[Connector] = []
        self._numbers = itertools.count(1)
        self.connector = self._opening(rig.build())

    def close(self) -> None:
        """Close all connectors."""
        for connector in self._opened:
            connector.close()

    def restart(self, *, forget: bool = False) -> None:
        """Go on with a new connector, with the same notes or none."""
        self.connector = self._opening(self.rig.build() if forget else self.rig.reopen())

    def _opening(self, connector: Connector) -> Connector:
        self._opened.append(connector)
        return connector

    # --- writing

    def plain(self, kind: Kind) -> Fields:
        """Return the plain sample of a kind."""
        return self.rig.samples(kind)[0]

    def fresh(
        self, kind: Kind, number: int = 1, *, plan: Ref | None = None, fields: Fields | None = None
    ) -> list[Write]:
        """Return writes that each make a new record; what these belong to is made, where it is not given."""
        if kind is Kind.ONBOARDING:
            return [self._upsert(fields) for _ in range(number)]
        owner = f"006SUITE{next(self._numbers):010}"
        if kind is Kind.PLAN:
            keys = [f"006SUITE{next(self._numbers):010}:plan" for _ in range(number)]
            return [Create(key, kind, fields or self.plain(kind), size=3) for key in keys]
        home = plan or self.plan(size=number, owner=owner)
        given = fields or self.plain(kind)
        return [Create(f"{owner}:t{next(self._numbers)}", kind, given, plan=home) for _ in range(number)]

    def _upsert(self, fields: Fields | None) -> Upsert:
        deal = self.rig.win_deal(CLOSED)
        return Upsert(deal, Kind.ONBOARDING, self.of_deal(fields or self.plain(Kind.ONBOARDING), deal))

    def of_deal(self, fields: Fields, deal: str) -> Fields:
        """Return fields with this deal's id where they say DEAL, since an onboarding names its deal."""
        return {name: deal if value == DEAL else value for name, value in fields.items()}

    def plan(self, *, size: int = 3, owner: str = "") -> Ref:
        """Make a plan and return where it lives."""
        key = f"{owner or f'006SUITE{next(self._numbers):010}'}:plan"
        return self.done([Create(key, Kind.PLAN, self.plain(Kind.PLAN), size=size)])[0].ref

    def write(self, writes: Sequence[Write]) -> list[WriteResult]:
        """Write, and return the results in the order of the writes; raises Broken where they do not pair."""
        results = list(self.connector.write(writes))
        by_write = {id(result.write): result for result in results}
        expect(
            len(results) == len(writes) and by_write.keys() == {id(write) for write in writes},
            f"{len(writes)} writes got {len(results)} results, for {len(by_write)} of them",
        )
        return [by_write[id(write)] for write in writes]

    def done(self, writes: Sequence[Write]) -> list[Written]:
        """Write, and return the results, all of which must be successes."""
        results = self.write(writes)
        failed = [result.error for result in results if isinstance(result, Failed)]
        expect(not failed, f"{len(failed)} of {len(writes)} writes failed, the first with {failed[:1]!r}")
        return [result for result in results if isinstance(result, Written)]

    def made(self, kind: Kind, number: int = 1, *, fields: Fields | None = None) -> list[Written]:
        """Make new records in one plan (or for new deals)."""
        return self.done(self.fresh(kind, number, fields=fields))

    def failure(self, write: Write) -> ConnectorError | None:
        """Write one and return its error, None when it succeeded."""
        (result,) = self.write([write])
        return result.error if isinstance(result, Failed) else None

    # --- reading

    def wanted(self, write: Write, mark: str = "") -> Wanted:
        """Return what to look for after a create of unknown outcome."""
        plan = write.plan if isinstance(write, Create) else None
        name = next((value for value in write.fields.values() if isinstance(value, str)), "")
        return Wanted(write.write_key, write.kind, plan, mark, name)

    def find(self, write: Write, mark: str = "") -> list[Record]:
        """Look one write's record up."""
        return list(self.connector.find([self.wanted(write, mark)]))

    def read(self, written: Written, mark: str = "") -> Record:
        """Read a record back as it is now; raises Broken when it does not come."""
        records = self.look(written, mark)
        expect(len(records) == 1, f"{written.write.kind} {written.ref} came {len(records)} times when it was read back")
        return records[0]

    def look(self, written: Written, mark: str = "") -> list[Record]:
        """Read a record as it is now, as often as it comes."""
        write, ref = written.write, written.ref
        if write.kind is Kind.ONBOARDING:
            return [record for record in self.find(write, mark) if record.ref == ref]
        asked = PlanRefs(ref) if write.kind is Kind.PLAN else PlanRefs(self.home(written), (ref,))
        return [record for record in self.connector.fetch([asked]) if record.kind is write.kind and record.ref == ref]

    def home(self, written: Written) -> Ref:
        """Return the plan of a task."""
        write = written.write
        return write.plan if isinstance(write, Create) and write.plan is not None else Ref(written.ref.container)

    def update(self, written: Written, fields: Fields) -> Update:
        """Return an update of a record that was made."""
        return Update(written.write.write_key, written.write.kind, written.ref, fields)

    def cost(self, do: Callable[[], T]) -> tuple[T, int]:
        """Run and return the result with the number of calls that it took."""
        before = self.rig.calls()
        seen = do()
        return seen, self.rig.calls() - before

    def once(self, write: Write, *, times: int = 1) -> None:
        """Raise Broken unless the vendor holds this write's record so often."""
        equal(self.rig.count(write.write_key), times, f"records of {write.write_key} at the vendor")
