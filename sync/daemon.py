"""The daemon: a worker, the schedules and the health pages in one process; as many processes as wanted on one store.

Run by `closedwon daemon`. Which process runs a scheduled job and which one works on an onboarding is said by the store,
so that nothing happens twice. A vendor that is out of order is left alone (`sync.work.gate`) while the others are still
asked what changed; it is taken up again by itself. It reads no configuration and installs no signal handler.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from croniter import croniter

from connectors.errors import ConnectorError, NotAuthorised
from sync import logs
from sync.core.model import Priority
from sync.core.unattended import UnattendedStore
from sync.engine import Engine, Report
from sync.engine.daily import roll_on
from sync.engine.recount import recount
from sync.health import Metrics
from sync.hooks import Upkeep
from sync.proofs import keep_proof
from sync.store import StoreUnavailable
from sync.usage import Usage, tidy
from sync.verify import verify
from sync.work import Alone, Gate, Runner, Worker, WorkerSettings

KEPT = timedelta(days=30)
"""How long settled events are remembered, so that a repeated delivery is known as one."""

_TICK = 15.0
"""Seconds after which the loop looks up at the latest: what is kept of the quota is no older when something changed."""

_GRACE = 8.0
"""Seconds that what is begun gets to its end when the process is told to stop."""


@dataclass(frozen=True, slots=True)
class Schedules:
    """When a job is due: cron expressions by the job's name, "" for never, in one time zone."""

    jobs: Mapping[str, str]
    zone: str = "UTC"

    def next_due(self, job: str, now: datetime) -> datetime | None:
        """Return the next moment after `now` at which a job is due; None for never."""
        expression = self.jobs.get(job)
        if not expression:
            return None
        moments = croniter(expression, now.astimezone(ZoneInfo(self.zone)))
        moment: datetime = moments.get_next(datetime)
        # When clocks go back an hour comes twice: what is due at an hour of the day is due in the first of them only.
        while moment.fold and not expression.split()[1].startswith("*"):
            moment = moments.get_next(datetime)
        return moment


class Daemon:
    """Everything of one unattended process. `run` it until an event is set; it tells whether it ended in time.

    `hurry` is set when there is no time left to sleep: it must cut short the sleeps of the connections. `jobs` are
    further ones by the names of their schedules; each returns a code, "" for none.
    """

    def __init__(
        self,
        *,
        engine: Engine,
        store: UnattendedStore,
        gates: Mapping[str, Gate],
        metrics: Metrics,
        schedules: Schedules,
        settings: WorkerSettings,
        now: Callable[[], datetime],
        hurry: threading.Event,
        begin: Callable[[int], None] = lambda _priority: None,
        upkeep: Upkeep | None = None,
        runner: Runner | None = None,
        usage: Usage | None = None,
        jobs: Mapping[str, Callable[[], str]] | None = None,
    ) -> None:
        self._runner = runner or Alone()
        self._begin = begin
        self.worker = Worker(
            engine, store, settings=settings, key_of=self._key_of, watch=self, now=now, begin=self._begun
        )
        self._engine = engine
        self._store = store
        self._gates = gates
        self._metrics = metrics
        self._schedules = schedules
        self._owner = settings.owner
        self._now = now
        self._hurry = hurry
        self._states: dict[str, str] = {}
        self._thread = threading.Thread(target=self._runner.run, args=(self.worker,), name="worker", daemon=True)
        self._pool = ThreadPoolExecutor(max_workers=len(gates) + 3, thread_name_prefix="job")
        self._running: dict[str, Future[None]] = {}
        self._jobs: dict[str, Callable[[], str]] = {
            "sweep": self.sweep,
            "full": self._full,
            "rollups": self._rollups,
            "verify": self._verify,
            "cleanup": self._cleanup,
            **(jobs or {}),
        }
        self._usage = usage
        self._upkeep = upkeep
        if upkeep:
            self._jobs["webhooks"] = partial(self._webhooks, upkeep)

    # -- the loop

    def wake(self) -> None:
        """Have what was just left looked at now, here or by whoever is free. From any thread."""
        self.worker.wake()
        self._runner.ring()

    def run(self, stopping: threading.Event) -> bool:
        """Work until `stopping` is set, then end within ten seconds; False when a call had to be left to its fate.

        What such a call does is settled by whoever takes over: its creates have intents, its claims are given back.
        """
        self._thread.start()
        self._start("sweep")
        while not stopping.is_set():
            stopping.wait(self.fire_due())
        ended = self._end()
        if ended and self._usage:
            self._attempt("usage", self._end_usage)
        return ended

    def fire_due(self) -> float:
        """Start the jobs that are due and that no other process has started; return the seconds until the next one."""
        now = self._now()
        nearest = _TICK
        if self._usage:
            self._attempt("usage", self._note_usage)
        for job in self._jobs:
            due = self._schedules.next_due(job, now)
            if due is None:
                continue
            nearest = min(nearest, (due - now).total_seconds())
            self._attempt("schedule", partial(self._fire, job, now, due))
        return max(0.05, nearest)

    def _note_usage(self) -> str:
        if self._usage:
            self._usage.note()
        return ""

    def _end_usage(self) -> str:
        if self._usage:
            self._usage.end()
        return ""

    def _fire(self, job: str, now: datetime, due: datetime) -> str:
        if self._store.fire(job, now, due, self._owner):
            self._start(job)
        return ""

    def _start(self, job: str) -> None:
        if job in self._running and not self._running[job].done():
            return  # it takes longer than its schedule allows: the next time is soon enough
        self._running[job] = self._pool.submit(self._attempt, job, self._jobs[job])

    def _end(self) -> bool:
        self.worker.stop()
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._thread.join(_GRACE / 2)
        for gate in self._gates.values():
            gate.stop()
        self._hurry.set()
        self._thread.join(_GRACE / 2)
        if not self._thread.is_alive():
            return True
        self.worker.abandon()
        return False

    def _attempt(self, name: str, do: Callable[[], str]) -> None:
        """Do something that may fail and keep its code, "" for none: the next time it is due it is tried again."""
        try:
            code = do()
        except ConnectorError as error:
            code = error.code
        except StoreUnavailable:
            code = "STORE-01"
        except Exception as error:  # noqa: BLE001 - a defect in one job must not end the others
            code = f"DEFECT-01: {type(error).__name__}"
        if self._states.get(name, "") != code:
            logs.happened("trouble" if code else "recovered", grave=bool(code), code=code, name=name)
        before, self._states[name] = self._states.get(name, ""), code
        if before and not code and name in self._gates:
            self._store.hasten()
            self.wake()

    # -- the jobs

    def sweep(self) -> str:
        """Ask every vendor what changed, all at once, so that one which does not answer keeps nobody waiting."""
        with ThreadPoolExecutor(max_workers=len(self._gates), thread_name_prefix="sweep") as pool:
            for name in self._gates:
                pool.submit(self._attempt, name, partial(self._sweep, name))
        return ""

    def _sweep(self, name: str) -> str:
        report = Report()
        try:
            changed = self._engine.sweep(report, only=(name,))
        except NotAuthorised as error:
            raise self._gates[name].refuse(error) from None
        if changed:
            self.wake()
        self._metrics.failures(report)
        return next(iter(report.failures), "")

    def _full(self) -> str:
        after = ""
        while keys := self._store.keys(after=after):
            self._store.request(keys, Priority.RECONCILE)
            after = keys[-1]
        self.wake()
        report = Report()
        recount(self._engine.connections, store=self._store, report=report)
        self._metrics.failures(report)
        return next(iter(report.failures), "")

    def _verify(self) -> str:
        proof = verify(store=self._store, connections=self._engine.connections, context=self._engine.context())
        keep_proof(self._store, proof)
        logs.happened(
            "verify",
            grave=not proof.sound,
            onboardings=proof.onboardings,
            unequal=proof.unequal,
            duplicates=proof.duplicates,
            lacking=proof.lacking,
            strays=proof.strays,
            held=proof.held,
            time_off=proof.time_off,
        )
        return "" if proof.sound else "UNEQUAL-01"

    def _rollups(self) -> str:
        report = roll_on(self._engine, self._store, wanted=lambda: not self._hurry.is_set())
        logs.happened("rollups", onboardings=report.looked, written=report.rollups)
        self._metrics.failures(report)
        self.wake()  # what was asked for meanwhile waited for the round's leases
        return next(iter(report.failures), "")

    def _cleanup(self) -> str:
        tidy(self._store, self._now())
        logs.happened("cleanup", forgotten=self._store.tidy(self._now() - KEPT))
        return ""

    def _webhooks(self, upkeep: Upkeep) -> str:
        # What a vendor had to tell while it was not heard is lost: looking finds it.
        return self.sweep() if upkeep.look() else ""

    # -- what the worker tells, and asks

    def _begun(self, priority: int) -> None:
        """Set what a batch of this urgency may spend; others may take the rest."""
        self._begin(priority)
        self._runner.begun()

    def batch(self, report: Report, seconds: float) -> None:
        """Count and log a batch."""
        self._metrics.batch(report, seconds, self._engine.crm)
        logs.batch(report, {}, seconds)

    def trouble(self, code: str, onboardings: int = 0) -> None:
        """Count and log what went wrong."""
        self._metrics.failure(code)
        logs.happened("trouble", grave=True, code=code, onboardings=onboardings)

    def _key_of(self, connection: str, vendor_id: str) -> str:
        """Take an id of the CRM that is bound to nothing for a deal's: whether it is won, the engine finds out."""
        return vendor_id if connection == self._engine.crm else ""

    # -- health

    def ailments(self) -> dict[str, str]:
        """Say what only a restart can mend."""
        ill = {}
        if self._thread.ident is not None and not self._thread.is_alive():
            ill["worker"] = "it has ended"
        if self.worker.hung:
            ill["worker"] = "HUNG-01"
        return ill

    def troubles(self) -> dict[str, str]:
        """Say what does not work at present: connections, jobs, or all work."""
        found = {name: code for name, code in self._states.items() if code}
        found |= self._upkeep.troubles() if self._upkeep else {}
        found |= {name: gate.code for name, gate in self._gates.items() if gate.code}
        return found | ({"worker": self.worker.trouble} if self.worker.trouble else {})
