"""Carries plans out: one thread per connection, intents on disk before every create, results on disk as they come.

Called by `sync.engine.reconcile` after the guard. It decides nothing about values; it sorts what came back into done,
again and held. Order at each connection: plans, then their tasks, then updates.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import datetime

from connectors.base import Connector, Create, Failed, Kind, Ref, WriteResult, Written
from connectors.errors import ConnectorError, NotAuthorised, Refused, TryLater, Unknown
from sync.core.model import PLAN_ITEM, Binding, Intent, LeaseLost, Onboarding, Priority, StoreApi
from sync.core.planned import Plan, Step
from sync.engine.lease import Lease

_FLUSH = 500
"""Results per store transaction. Losing them to a kill costs a look-up, never a duplicate: the intents are on disk."""


@dataclass
class Applied:
    """What came of one connection's steps."""

    created: int = 0
    updated: int = 0
    failed: list[tuple[Step, ConnectorError]] = field(default_factory=list)
    stored: list[tuple[Step, Written]] = field(default_factory=list)
    """Confirmed writes whose answer shows the values as stored."""


def apply(
    plans: Sequence[Plan],
    known: Mapping[str, Onboarding],
    *,
    connections: Mapping[str, Connector],
    store: StoreApi,
    lease: Lease,
    now: Callable[[], datetime],
) -> dict[str, Applied]:
    """Carry out all steps of all plans and return the outcome by connection.

    Raises nothing for a vendor's failure, and LeaseLost when another worker took over.
    """
    by_connection: dict[str, list[Step]] = {name: [] for name in connections}
    for each in plans:
        for step in each.steps:
            by_connection[step.connection].append(step)
    titles = {each.key: each.title for each in plans}
    with ThreadPoolExecutor(max_workers=max(1, len(connections)), thread_name_prefix="apply") as pool:
        futures = {
            name: pool.submit(
                copy_context().run, _Lane(name, connections[name], store, lease, now, titles).run, steps, known
            )
            for name, steps in by_connection.items()
            if steps
        }
        return {name: future.result() for name, future in futures.items()}


class _Lane:
    """One connection's part of the work."""

    def __init__(
        self,
        name: str,
        connector: Connector,
        store: StoreApi,
        lease: Lease,
        now: Callable[[], datetime],
        titles: Mapping[str, str],
    ) -> None:
        self.name = name
        self.connector = connector
        self.store = store
        self.lease = lease
        self.now = now
        self.titles = titles
        self.applied = Applied()
        self.plans: dict[str, Ref] = {}
        self.intents: dict[str, Intent] = {}

    def run(self, steps: Sequence[Step], known: Mapping[str, Onboarding]) -> Applied:
        """Create plans, then tasks, then update."""
        self.plans = {key: binding.ref for key, o in known.items() if (binding := o.bound(self.name).get(PLAN_ITEM))}
        creates = [step for step in steps if isinstance(step.write, Create)]
        self._create([step for step in creates if step.write.kind is Kind.PLAN])
        self._create([self._filed(step) for step in creates if step.write.kind is Kind.TASK and step.key in self.plans])
        self._send([step for step in steps if not isinstance(step.write, Create)])
        return self.applied

    def _filed(self, step: Step) -> Step:
        write = step.write
        assert isinstance(write, Create)
        filed = Create(write.write_key, write.kind, write.fields, plan=self.plans[step.key], size=write.size)
        return Step(step.key, step.item, step.connection, filed, step.reason, step.over)

    def _create(self, steps: Sequence[Step]) -> None:
        """Write intents ahead, then create."""
        if not steps:
            return
        try:
            mark = self.connector.mark()
        except ConnectorError as error:
            self.applied.failed += [(step, error) for step in steps]
            return
        now = self.now()
        self.intents = {
            step.write.write_key: Intent(
                self.name,
                step.write.write_key,
                step.key,
                step.item,
                step.write.kind,
                mark,
                now,
                self.titles.get(step.key, ""),
            )
            for step in steps
        }
        self.store.open_intents([*self.intents.values()])
        self._send(steps)

    def _send(self, steps: Sequence[Step]) -> None:
        by_key = {step.write.write_key: step for step in steps}
        if not by_key:
            return
        left = dict(by_key)
        results: list[WriteResult] = []
        try:
            self.lease.keep()
            for result in self.connector.write([step.write for step in steps]):
                results.append(result)
                if len(results) >= _FLUSH or self.lease.due():
                    self._take(left, results)
                    results = []
            self._take(left, results)
        except LeaseLost:
            self._give_up(left.values())
            raise

    def _take(self, left: dict[str, Step], results: Sequence[WriteResult]) -> None:
        """Put one handful of results on disk, if they are still ours to put there."""
        self.lease.keep()
        bindings: list[Binding] = []
        settled: list[str] = []
        for result in results:
            step = left.pop(result.write.write_key)
            create = isinstance(result.write, Create)
            if isinstance(result, Failed):
                self.applied.failed.append((step, result.error))
                if create and not isinstance(result.error, Unknown):
                    settled.append(result.write.write_key)
                continue
            if create:
                bindings.append(Binding(step.key, step.item, self.name, step.write.kind, result.ref, result.url))
                if step.write.kind is Kind.PLAN:
                    self.plans[step.key] = result.ref
            self.applied.created += create
            self.applied.updated += not create
            if result.fields is not None:
                self.applied.stored.append((step, result))
        self.store.bind(bindings)
        self.store.drop_intents(self.name, settled)

    def _give_up(self, steps: Iterable[Step]) -> None:
        """Leave creates that may land late to the new owner, who finds them by their intents and tells of doubles."""
        intents = [self.intents[step.write.write_key] for step in steps if isinstance(step.write, Create)]
        self.store.open_intents(intents)
        self.store.request(sorted({intent.key for intent in intents}), Priority.LIVE)


@dataclass
class Verdict:
    """What a connection's failures mean for one onboarding."""

    again_after: float | None = None
    error: str = ""
    refused: list[tuple[Step, Refused]] = field(default_factory=list)
    fatal: NotAuthorised | None = None


def judge(applied: Iterable[Applied], *, settle_seconds: float, codes: Counter[str]) -> dict[str, Verdict]:
    """Turn failures into verdicts by onboarding key; count their codes."""
    verdicts: dict[str, Verdict] = {}
    for one in applied:
        for step, error in one.failed:
            codes[error.code] += 1
            verdict = verdicts.setdefault(step.key, Verdict())
            if isinstance(error, Refused):
                verdict.refused.append((step, error))
                continue
            if isinstance(error, NotAuthorised):
                verdict.fatal = error
            delay = error.delay if isinstance(error, TryLater) else settle_seconds
            verdict.again_after = max(verdict.again_after or 0.0, delay)
            verdict.error = f"{error.code}: {error.message}"
    return verdicts
