"""The main path: keys in, equal onboardings out.

    sweep ──► request(keys) ──► drain: claim ──► recover ──► observe ──► plan ──► guard ──► apply ──► roll up ──► commit

Called by the commands, the daemon and backfills, which all do the same: mark keys dirty and drain. It owns the order of
things and the safety rules between them; what a value means is `mappings`' business and how a vendor is spoken to the
connectors'. It never acts on a key whose lease it does not hold and never deletes anything anywhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import partial
from typing import TypeAlias

from connectors.base import Capability, Connector, Fields, Kind, Record
from connectors.errors import ConnectorError, NotAuthorised, TryLater
from mappings.model import VIRTUAL, MappingSet
from mappings.templates import Template
from sync.core.guard import Unsafe, check_safe, doubtful
from sync.core.merge import View
from sync.core.model import Claim, Commit, LeaseLost, Onboarding, Quarantine
from sync.core.plan import plan
from sync.core.planned import Context, Plan
from sync.core.records import RecordsStore
from sync.core.together import plan_together
from sync.engine import outcome
from sync.engine.apply import Applied, apply, judge
from sync.engine.existing import Recogniser
from sync.engine.lease import Lease
from sync.engine.observe import Observed, observe
from sync.engine.partial import Refusal, contain, left, postpone, stops_all, withhold
from sync.engine.recover import Recovery, adopt, recover
from sync.engine.report import Report
from sync.engine.rolling import RollUps
from sync.engine.settings import Settings
from sync.engine.sheet_hours import keep_hours, read_hours
from sync.engine.sources import Sources
from sync.engine.sweep import sweep

_ENGINE = "engine"
BRAKE = "brake"
RELEASE = "release"
UNREAD = "reading"
"""Stands for a field in what is held back because a vendor refuses to show it."""

_LOOKS = 10
"""How often one run looks at the same onboarding: who changes faster than that waits for the next run."""

Consent: TypeAlias = Callable[[Sequence[Plan]], None]
"""Asked with a batch's plans before anything of them is written; raises what shall stop them."""


def _always(_plans: Sequence[Plan]) -> None:
    """Consent to everything."""


class Engine:
    """One configured engine. `homes` are the connections that hold plans, in the order of the roll-up's links."""

    def __init__(
        self,
        *,
        store: RecordsStore,
        crm: str,
        connections: Mapping[str, Connector],
        mappings: MappingSet,
        templates: Sequence[Template],
        settings: Settings,
        now: Callable[[], datetime],
        sleep: Callable[[float], None],
        progress: Callable[[Report], None] = lambda _report: None,
        refused: Refusal = stops_all,
    ) -> None:
        self.store = store
        self.crm = crm
        self.connections = dict(connections)
        self.homes = {n: c for n, c in self.connections.items() if Capability.TASKS in c.capabilities}
        self.mappings = mappings
        self.templates = tuple(templates)
        self.settings = settings
        self.recogniser = Recogniser(self.homes, mappings, settle_seconds=settings.settle_seconds)
        self.sources = Sources(store, mappings, self.templates)
        self.now = now
        self.sleep = sleep
        self._progress = progress
        self._refused = refused

    # -- finding out what to look at

    def sweep(self, report: Report, only: Collection[str] | None = None) -> frozenset[str]:
        """Ask every connection (or `only` these) what changed, and mark those onboardings dirty; see `sweep.py`."""
        chosen = {name: self.connections[name] for name in (self.connections if only is None else only)}
        return sweep(chosen, store=self.store, mappings=self.mappings, report=report)

    # -- looking

    def context(self, today: date | None = None) -> Context:
        """Return what planning needs, for a day (today unless a stored plan is held to its own)."""
        day, homes = today or self.now().date(), tuple(self.homes)
        kept = (self.sources.pinned, self.sources.rules, self.sources.unplanned)
        return Context(self.mappings, self.templates, self.crm, homes, self._view, day, *kept)

    def preview(
        self, keys: Sequence[str], *, deals: Mapping[str, Record] | None = None, today: date | None = None
    ) -> list[Plan]:
        """Plan without acting: the same observation and the same decisions as `reconcile`, no write, no claim."""
        known = self.store.load(keys)
        seen, held = self._recognise(self._observe(known, deals), deals, Recovery(), None)
        plans = {each.key: each for each in self._plan(seen, held, today)}
        return [Plan(k, quarantine=(held[k],)) if k in held else plans[k] for k in seen.snapshots]

    def _observe(
        self, known: Mapping[str, Onboarding], deals: Mapping[str, Record] | None, view: View | None = None
    ) -> Observed:
        crm = self.connections[self.crm]
        look = partial(observe, known, crm=crm, homes=self.homes, mappings=self.mappings, deals=deals, view=view)
        seen = look(refused=self._refused)
        if doubtful(seen.tallies({}, {}), self.settings.limits):
            seen = look(refused=self._refused)
        seen = read_hours(seen, store=self.store, mapping=self.mappings.task, now=self.now())
        return self.sources.inform(seen)

    def _view(self, connection: str, kind: Kind, fields: Fields) -> Fields:
        return fields if connection in VIRTUAL else self.connections[connection].normalise(kind, fields)

    # -- acting

    def drain(
        self,
        keys: Sequence[str] | None = None,
        *,
        deals: Mapping[str, Record] | None = None,
        consent: Consent = _always,
    ) -> Report:
        """Reconcile dirty onboardings (only of `keys`, if given) until none is due, waiting for those that asked to.

        Raises Unsafe when a brake engages, NotAuthorised when a connection cannot be used, and what `consent` raises;
        what was done stays done.
        """
        total = Report()
        looks: Counter[str] = Counter()
        waited = 0.0
        while True:
            claims = self.store.claim(
                self.settings.owner,
                limit=self.settings.batch,
                lease_seconds=self.settings.lease_seconds,
                keys=keys,
            )
            restless = [claim for claim in claims if looks[claim.key] >= _LOOKS]
            self.store.release(restless)
            if len(claims) > len(restless):
                looks.update(claim.key for claim in claims)
                fresh = [claim for claim in claims if claim not in restless]
                total.add(self.reconcile(fresh, deals=deals, consent=consent))
                self._progress(total)
                deals = None
                continue
            if restless:
                total.waiting = self._open(keys)
                total.notes.append(f"{len(restless)} onboardings change faster than they can be brought about.")
                return total
            pause = self._next_due(keys)
            if pause is None or waited + pause > self.settings.patience:
                total.waiting = self._open(keys)
                return total
            self.sleep(pause)
            waited += pause

    def _open(self, keys: Sequence[str] | None) -> int:
        return len(self.store.work_items(keys=keys))

    def _next_due(self, keys: Sequence[str] | None) -> float | None:
        """Return the seconds until the next open onboarding is due, None when none is open."""
        now = self.now()
        waits = [
            max(0.05, (moment - now).total_seconds())
            for item in self.store.work_items(keys=keys)
            if (moment := item.not_before) is not None
        ]
        return min(waits, default=None)

    def reconcile(
        self,
        claims: Sequence[Claim],
        *,
        deals: Mapping[str, Record] | None = None,
        consent: Consent = _always,
    ) -> Report:
        """Bring one batch of claimed onboardings to where all sides agree."""
        self._check_brake(claims)
        return self._attempt(claims, deals, consent, Recovery())

    def _attempt(
        self, claims: Sequence[Claim], deals: Mapping[str, Record] | None, consent: Consent, recovery: Recovery
    ) -> Report:
        try:
            return self._reconcile({claim.key: claim for claim in claims}, deals, consent, recovery)
        except (NotAuthorised, LeaseLost) as error:
            self.store.release(claims)
            if isinstance(error, NotAuthorised):
                raise
            return Report(looked=len(claims), lost_leases=len(claims), notes=[str(error)])
        except ConnectorError as error:
            return self._stopped(error, claims, deals, consent, recovery)
        except BaseException:
            self.store.release(claims)
            raise

    def _stopped(
        self,
        error: ConnectorError,
        claims: Sequence[Claim],
        deals: Mapping[str, Record] | None,
        consent: Consent,
        recovery: Recovery,
    ) -> Report:
        """Wait where a look may succeed later; else halve the batch until the one that cannot be read stands alone."""
        if not isinstance(error, TryLater) and len(claims) > 1:
            half = len(claims) // 2
            report = self._attempt(claims[:half], deals, consent, recovery)
            report.add(self._attempt(claims[half:], deals, consent, recovery))
            return report
        report = Report(looked=len(claims), notes=[error.message])
        report.failures[error.code] += 1
        known = self.store.load([claim.key for claim in claims])
        if isinstance(error, TryLater):
            text = f"{error.code}: {error.message}"
            waits = {claim: outcome.patiently(error.delay, claim) for claim in claims}
            self.store.commit(
                [
                    Commit(c, done=False, again_after=wait, error=text, quarantine=recovery.held(known[c.key]))
                    for c, wait in waits.items()
                ]
            )
            return report
        (claim,) = claims
        unread = Quarantine(claim.key, "", "", UNREAD, error.code, error.message)
        before = [q for q in recovery.held(known[claim.key]) if q.field != UNREAD]
        self.store.commit([Commit(claim, quarantine=(*before, unread))])
        report.held = 1
        return report

    def _reconcile(
        self,
        claims: Mapping[str, Claim],
        deals: Mapping[str, Record] | None,
        consent: Consent,
        recovery: Recovery,
    ) -> Report:
        report = Report(looked=len(claims))
        known = self._recover([*claims], recovery)
        ready = {key: onboarding for key, onboarding in known.items() if key not in recovery.wait | recovery.away}
        # Whoever consented to a plan saw all sides: then half a look is no look.
        seen = self._observe(ready, deals, self._view if consent is _always else None)
        seen, unadopted = self._adopt(seen, recovery)
        seen, there = self._recognise(seen, deals, recovery, self.store)
        unadopted |= there
        ready = {key: snapshot.onboarding for key, snapshot in seen.snapshots.items()}
        plans = withhold(self._plan(seen, unadopted), seen.unread, ready)
        consent(plans)
        self.sources.keep(plans)
        self._guard(seen, [each for each in plans if each.key not in recovery.taken])
        lease = Lease([*claims.values()], store=self.store, seconds=self.settings.lease_seconds, now=self.now)
        applied = self._apply(plans, ready, lease, self.homes)
        verdicts = judge(applied.values(), settle_seconds=self.settings.settle_seconds, codes=report.failures)
        results = outcome.settle(plans, ready, applied, verdicts, self.context())
        postpone(results, seen.unread, seen.unasked, ready)
        keep_hours(seen.time, self.store)
        rollups = self._roll_up(results, report, seen.unasked, lease)
        for name, one in applied.items():
            report.created[name] += one.created
            report.updated[name] += one.updated
        commits = [outcome.commit(result, claims[result.plan.key], rollups, recovery) for result in results]
        commits += left(recovery, seen.waiting, claims, known)
        commits += [Commit(claims[key], quarantine=(held,)) for key, held in unadopted.items()]
        away = {*seen.unread.values(), *seen.unasked.values(), *recovery.away.values()}
        report.failures.update(error.code for error in away)
        decided = {key for key, snapshot in seen.snapshots.items() if snapshot.decision.by}
        self._finish(commits, results, recovery, report, decided)
        fatal = next((v.fatal for v in verdicts.values() if v.fatal), None)
        if fatal:
            raise fatal
        return report

    def _recover(self, keys: Sequence[str], recovery: Recovery) -> dict[str, Onboarding]:
        known = self.store.load(keys)
        if not any(onboarding.intents for onboarding in known.values()):
            return known
        recover(
            known,
            homes=self.homes,
            store=self.store,
            now=self.now(),
            settle_seconds=self.settings.settle_seconds,
            outcome=recovery,
            refused=self._refused,
        )
        return self.store.load(keys)

    def _adopt(self, seen: Observed, recovery: Recovery) -> tuple[Observed, dict[str, Quarantine]]:
        """Take over plans that the CRM knows and this store does not; look at them again once they are bound."""
        context = self.context()
        strange = outcome.strangers(seen.links, seen.snapshots, context)
        if not strange:
            return seen, {}
        drafts = [plan(seen.snapshots[key], context) for key in strange]
        unadopted = adopt(
            drafts,
            strange,
            homes=self.homes,
            store=self.store,
            now=self.now(),
            outcome=recovery,
            refused=self._refused,
        )
        known = {key: snapshot.onboarding for key, snapshot in seen.snapshots.items()} | self.store.load([*strange])
        return self._observe(known, None), unadopted

    def _recognise(
        self, seen: Observed, deals: Mapping[str, Record] | None, recovery: Recovery, store: RecordsStore | None
    ) -> tuple[Observed, dict[str, Quarantine]]:
        """Find plans that others made before a second one is made; see `existing.py`."""
        look = partial(self._observe, deals=deals)
        return self.recogniser.settle(seen, self.context(), observe=look, store=store, recovery=recovery)

    def _plan(self, seen: Observed, but: Collection[str], today: date | None = None) -> list[Plan]:
        return plan_together([s for key, s in seen.snapshots.items() if key not in but], self.context(today))

    def _apply(
        self, plans: Sequence[Plan], known: Mapping[str, Onboarding], lease: Lease, at: Mapping[str, Connector]
    ) -> dict[str, Applied]:
        applied = apply(plans, known, connections=at, store=self.store, lease=lease, now=self.now)
        return contain(applied, self._refused)

    def roll_ups(self, lease: Lease) -> RollUps:
        """Return what brings roll-ups to the CRM under a lease."""
        write = partial(self._apply, lease=lease, at={self.crm: self.connections[self.crm]})
        return RollUps(self.store, self.context(), write, self.settings.settle_seconds, self.now())

    def _roll_up(
        self, results: Sequence[outcome.Result], report: Report, unasked: Collection[str], lease: Lease
    ) -> dict[str, outcome.RollUp]:
        return self.roll_ups(lease).bring(results, report, unasked)

    def _check_brake(self, claims: Sequence[Claim]) -> None:
        text = self.store.cursor(_ENGINE, BRAKE)
        if text:
            self.store.release(claims)
            raise Unsafe(text, code="BRAKE-ENGAGED-01")

    def _guard(self, seen: Observed, plans: Iterable[Plan]) -> None:
        """Engage the brake unless a person has just released it."""
        updates: Counter[str] = Counter()
        missing: Counter[str] = Counter()
        for each in plans:
            updates.update(step.connection for step in each.steps if not outcome.creates(step))
            missing.update(binding.connection for binding in each.missing)
        try:
            check_safe(seen.tallies(updates, missing), self.settings.limits)
        except Unsafe as error:
            if self.store.cursor(_ENGINE, RELEASE):
                self.store.advance(_ENGINE, RELEASE, "")
                return
            self.store.advance(_ENGINE, BRAKE, str(error))
            raise

    def _finish(
        self,
        commits: Sequence[Commit],
        results: Sequence[outcome.Result],
        recovery: Recovery,
        report: Report,
        decided: Collection[str],
    ) -> None:
        stale = self.store.commit(commits)
        lost = {claim.key for claim in stale}
        self.sources.forget(results, {*decided} - lost)
        again = [binding for result in results for binding in result.plan.found_again]
        self.store.bind([binding for binding in again if binding.key not in lost])
        report.lost_leases = len(stale)
        report.planned = sum(1 for result in results if result.new)
        report.adopted.update(binding.connection for binding in recovery.adopted)
        report.held = sum(1 for commit in commits if commit.quarantine)
        report.conflicts = sum(1 for c in commits for event in c.events if event.rule == "conflict:lost")

    # -- the brake

    def release_brake(self) -> str:
        """Let the next batch pass the brakes once; return why it had engaged."""
        text = self.store.cursor(_ENGINE, BRAKE)
        self.store.advance(_ENGINE, BRAKE, "")
        if text:
            self.store.advance(_ENGINE, RELEASE, "1")
        return text
