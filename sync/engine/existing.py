"""Recognises plans that are there already, made by hand or by another tool, before a second one is made.

Called by `sync.engine.reconcile` for deals that have no plan yet, where the mapping says by what one is known again
(`match`). What it finds is taken over when a person asked for that (`closedwon backfill --adopt`), and else held back:
in neither case is a second plan made. It never changes a value; that is the next look's business, as with any plan.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from connectors.base import Connector, Create, Failed, Fields, Kind, Record, Update
from connectors.errors import ConnectorError, NotAuthorised, Refused, TryLater
from connectors.existing import Existing, TakesOver
from mappings.conditions import NotEvaluated, Scope, visible
from mappings.model import Deal, MappingSet, Match
from mappings.translate import scope_of
from sync.core.model import PLAN_ITEM, Binding, Onboarding, Quarantine, Severity, StoreApi
from sync.core.plan import plan
from sync.core.planned import Context, Plan, Snapshot, place_of, write_key
from sync.engine.claims import Claims, remember
from sync.engine.observe import Observed
from sync.engine.recover import Recovery

CODE = "ADOPT-01"
SURE, AMBIGUOUS, NONE = "sure", "ambiguous", "none"
_NAMED = 3
"""How many candidates a message names."""


@dataclass
class Recognised:
    """What is there of one onboarding: bindings to be made, the records that lack our key, or why it is unclear."""

    title: str
    bindings: list[Binding] = field(default_factory=list)
    unmarked: dict[str, list[Update]] = field(default_factory=dict)
    """By connection."""
    doubt: str = ""
    found: dict[str, str] = field(default_factory=dict)
    """By connection: sure, ambiguous or none."""
    meant: dict[str, str] = field(default_factory=dict)
    """By connection: the text of a plan that is there, is not ours yet, and may be meant."""
    records: dict[tuple[str, str], Record] = field(default_factory=dict)
    """What is there, by connection and item, as it was found."""
    others: Counter[str] = field(default_factory=Counter)
    """Tasks in the plans found which the template does not know, by connection."""


@dataclass(frozen=True, slots=True)
class _Draft:
    """What we would make of one deal at one connection: the plan's items with the text that each is known by."""

    key: str
    plan: str
    tasks: Mapping[str, str]
    fields: Mapping[str, Fields]
    """By item, the native values that a new record would get."""


class Recogniser:
    """Looks for what is there already; `adopting` is set by whoever was asked to take it over."""

    def __init__(self, homes: Mapping[str, Connector], mappings: MappingSet, *, settle_seconds: float) -> None:
        self.adopting = False
        self.told: dict[str, Recognised] = {}
        """What the last look found, by onboarding."""
        self.claims: Claims | None = None
        """Which deals mean the same plan, beyond a batch, where somebody counted."""
        self.drafts: dict[str, Plan] = {}
        """What would be made of those, if nothing were there."""
        self._plan = mappings.plan
        self._task = mappings.task
        self._settle_seconds = settle_seconds
        able = {name: homes[name] for name in self._plan.matches if name in homes}
        there = {name: one.existing() for name, one in able.items() if isinstance(one, TakesOver)}
        self._homes = {name: existing for name, existing in there.items() if existing is not None}

    @property
    def able(self) -> frozenset[str]:
        """The connections where plans are recognised: those that are matched and that can find what others made."""
        return frozenset(self._homes)

    def settle(
        self,
        seen: Observed,
        context: Context,
        *,
        observe: Callable[[Mapping[str, Onboarding]], Observed],
        store: StoreApi | None,
        recovery: Recovery,
    ) -> tuple[Observed, dict[str, Quarantine]]:
        """Recognise what is there of new plans; return what was observed with it bound, and what is held back.

        Without a `store` nothing is written: what would be bound is only seen so. What a vendor keeps us from taking
        over now waits in `recovery`. Raises the connectors' errors: half a look is no look.
        """
        if not self._homes:
            return seen, {}
        fresh = _fresh(seen.snapshots)
        found = self._look(_drafts(fresh, context), fresh)
        held = self._held(found)
        mine = {key: each for key, each in found.items() if each.bindings and key not in held}
        if store is not None:
            self._act(mine, held, store, recovery)
            before = {key for key, s in fresh.items() if any(q.code == CODE for q in s.onboarding.held)}
            for key in before | held.keys():
                remember(store, key, found[key].meant if key in held else {}, self._homes)
        known = {key: s.onboarding for key, s in seen.snapshots.items() if key not in recovery.wait}
        for key in mine.keys() & known.keys() - held.keys():
            known[key] = replace(known[key], bindings=(*known[key].bindings, *mine[key].bindings))
        if not mine:
            return seen, held
        again = observe(known)
        for key in mine.keys() & again.snapshots.keys() if store is None else ():
            again.snapshots[key] = _filled(again.snapshots[key], mine[key])
        return again, held

    def meant(self, snapshots: Mapping[str, Snapshot], context: Context) -> Iterator[tuple[str, str, str]]:
        """Yield connection, text and deal of the plans that new deals mean, whether or not such a plan is there."""
        fresh = _fresh(snapshots)
        for draft in _drafts(fresh, context):
            for name in self._homes:
                asked = self._draft(name, draft, fresh[draft.key])
                if asked is not None and asked.plan:
                    yield name, asked.plan, asked.key

    def price(self) -> dict[str, int]:
        """Return the calls that taking over what the last look found would cost, by connection."""
        unmarked = {name: [u for each in self.told.values() for u in each.unmarked.get(name, ())] for name in self.able}
        return {name: self._homes[name].price(records) for name, records in unmarked.items() if records}

    def _act(
        self,
        mine: Mapping[str, Recognised],
        held: dict[str, Quarantine],
        store: StoreApi,
        recovery: Recovery,
    ) -> None:
        """Write our keys, then bind: broken off in between, the keys say next time that these are ours."""
        wrong = self._take_over(mine)
        for key, error in wrong.items():
            if isinstance(error, Refused):
                held[key] = Quarantine(key, "", "", "", error.code, error.message, Severity.HELD)
            else:
                recovery.wait[key] = error.delay if isinstance(error, TryLater) else self._settle_seconds
        done = {key: each for key, each in mine.items() if key not in wrong}
        bindings = [binding for each in done.values() for binding in each.bindings]
        store.bind(bindings)
        recovery.adopted += bindings
        recovery.taken |= done.keys()

    def _take_over(self, mine: Mapping[str, Recognised]) -> dict[str, ConnectorError]:
        """Write our keys into the records found; return what went wrong, by onboarding. It may be repeated."""
        wrong: dict[str, ConnectorError] = {}
        for name, home in self._homes.items():
            records = [update for each in mine.values() for update in each.unmarked.get(name, ())]
            for result in home.take_over(records) if records else ():
                if isinstance(result, Failed):
                    if isinstance(result.error, NotAuthorised):
                        raise result.error
                    wrong[place_of(result.write.write_key)[0]] = result.error
        return wrong

    def _held(self, found: Mapping[str, Recognised]) -> dict[str, Quarantine]:
        """Return what is held back: what is unclear and, unless we are to take it over, whatever is not ours yet."""
        return {
            key: Quarantine(key, "", "", "", CODE, each.doubt or _there(each), Severity.HELD)
            for key, each in found.items()
            if each.doubt or (each.unmarked and not self.adopting)
        }

    def _look(self, drafts: Sequence[Plan], snapshots: Mapping[str, Snapshot]) -> dict[str, Recognised]:
        found = {draft.key: Recognised(draft.title) for draft in drafts}
        for name, home in self._homes.items():
            asked = [self._draft(name, each, snapshots[each.key]) for each in drafts]
            self._look_at(name, home, [draft for draft in asked if draft is not None], found)
        self.told, self.drafts = found, {draft.key: draft for draft in drafts}
        return found

    def _draft(self, name: str, draft: Plan, snapshot: Snapshot) -> _Draft | None:
        steps = [step for step in draft.steps if step.connection == name and isinstance(step.write, Create)]
        if not any(step.item == PLAN_ITEM for step in steps) or snapshot.deal is None:
            return None
        asked = self._task.matches.get(name)
        plan = _text(self._plan.matches[name], snapshot.deal, "plan", draft.base[PLAN_ITEM])
        items = [step.item for step in steps if step.item != PLAN_ITEM] if asked else []
        tasks = {
            item: _text(asked, snapshot.deal, "task", {**draft.base[item], "key": item}) for item in items if asked
        }
        return _Draft(draft.key, plan, tasks, {step.item: step.write.fields for step in steps})

    def _look_at(self, name: str, home: Existing, drafts: Sequence[_Draft], found: Mapping[str, Recognised]) -> None:
        match = self._plan.matches[name]
        wanted = {draft.plan for draft in drafts if draft.plan}
        ours = {draft.key: write_key(draft.key, PLAN_ITEM) for draft in drafts}
        by_text: defaultdict[str, dict[str, Record]] = defaultdict(dict)
        by_key: dict[str, Record] = {}
        for record in home.lookup(match.field, sorted(wanted)) if wanted else ():
            by_key[record.write_key] = record
            if not record.write_key:
                by_text[folded(record.fields.get(match.field))][record.ref.id] = record
        claimants: defaultdict[str, set[str]] = defaultdict(set)
        for draft in drafts:
            claimants[draft.plan].add(draft.key)
        sure: dict[str, tuple[_Draft, Record]] = {}
        for draft in drafts:
            each = found[draft.key]
            candidates = [by_key[ours[draft.key]]] if ours[draft.key] in by_key else [*by_text[draft.plan].values()]
            each.found[name] = NONE if not candidates else SURE
            strange = bool(candidates) and not candidates[0].write_key
            rivals = claimants[draft.plan] | (self.claims.of(name, draft.plan) if self.claims and strange else set())
            each.meant |= {name: draft.plan} if strange else {}
            if len(candidates) > 1 or (strange and len(rivals) > 1):
                each.found[name] = AMBIGUOUS
                each.doubt = _which(name, candidates, len(rivals), sorted(rivals))
            elif candidates:
                sure[candidates[0].ref.id] = (draft, candidates[0])
                _bind(each, name, draft, PLAN_ITEM, candidates[0])
        self._look_inside(name, home, sure, found)

    def _look_inside(
        self,
        name: str,
        home: Existing,
        plans: Mapping[str, tuple[_Draft, Record]],
        found: Mapping[str, Recognised],
    ) -> None:
        """Pair the tasks of the plans that are sure, by our key or by their text."""
        match = self._task.matches.get(name)
        if match is None or not plans:
            return
        inside: defaultdict[str, list[Record]] = defaultdict(list)
        for record in home.contents([record.ref for _, record in plans.values()]):
            inside[record.ref.container].append(record)
        for plan_id, (draft, _) in plans.items():
            each = found[draft.key]
            each.others[name] = len(inside[plan_id])
            for item, candidates in _pairs(draft, inside[plan_id], match):
                each.others[name] -= bool(candidates)
                if len(candidates) > 1:
                    each.found[name] = AMBIGUOUS
                    each.doubt = _which(name, candidates, 1)
                elif candidates:
                    _bind(each, name, draft, item, candidates[0])


def folded(value: object) -> str:
    """Return a text as it is compared: without case, and with single spaces."""
    return " ".join(str(value or "").split()).casefold()


def _text(match: Match, deal: Deal, word: str, values: Fields) -> str:
    """Return the text that a record of this must hold; "" (which matches nothing) where the deal lacks it."""
    try:
        return folded(match.equals.value(Scope.of({**scope_of(deal), word: visible(values)})))
    except NotEvaluated:
        return ""


def _pairs(draft: _Draft, records: Iterable[Record], match: Match) -> Iterator[tuple[str, list[Record]]]:
    by_text: defaultdict[str, list[Record]] = defaultdict(list)
    by_key: dict[str, Record] = {}
    for record in records:
        if record.write_key:
            by_key[record.write_key] = record
        else:
            by_text[folded(record.fields.get(match.field))].append(record)
    claimants = Counter(draft.tasks.values())
    for item, text in draft.tasks.items():
        mine = by_key.get(write_key(draft.key, item))
        candidates = [mine] if mine is not None else by_text[text] if text else []
        # Two of our tasks that are called alike: neither can be told from the other.
        yield item, candidates * (claimants[text] if mine is None else 1)


def _bind(each: Recognised, name: str, draft: _Draft, item: str, record: Record) -> None:
    """Note a record as this item; what is empty in one that is not ours yet gets what a new one would get."""
    each.records[name, item] = record
    each.bindings.append(Binding(draft.key, item, name, record.kind, record.ref, record.url))
    if not record.write_key:
        empty = (None, "", ())
        wanted = draft.fields[item].items()
        lacking = {n: value for n, value in wanted if value not in empty and record.fields.get(n) in empty}
        each.unmarked.setdefault(name, []).append(Update(write_key(draft.key, item), record.kind, record.ref, lacking))


def _filled(snapshot: Snapshot, each: Recognised) -> Snapshot:
    """Show what others made as it will be once it is taken over."""
    replicas = {name: dict(records) for name, records in snapshot.replicas.items()}
    for name, updates in each.unmarked.items():
        for update in updates:
            item = place_of(update.write_key)[1]
            if item in replicas.get(name, {}):
                record = replicas[name][item]
                replicas[name][item] = replace(record, fields={**record.fields, **update.fields})
    return replace(snapshot, replicas=replicas)


def _there(each: Recognised) -> str:
    plans = [f"{b.connection} ({b.url or b.ref.id})" for b in each.bindings if b.kind is Kind.PLAN]
    return (
        f"A plan that looks like this one is there already at {', '.join(plans)}, so no second one is made. Take it "
        "over with `closedwon backfill --deal ID --adopt`, or rename what is there to have a new one made."
    )


def _fresh(snapshots: Mapping[str, Snapshot]) -> dict[str, Snapshot]:
    """Choose the deals that have no plan yet."""
    return {key: s for key, s in snapshots.items() if s.deal and not (s.onboarding.base or _planned(s))}


def _drafts(fresh: Mapping[str, Snapshot], context: Context) -> list[Plan]:
    return [draft for snapshot in fresh.values() if (draft := plan(snapshot, context)).steps]


def _which(name: str, candidates: Sequence[Record], claimants: int, deals: Sequence[str] = ()) -> str:
    places = ", ".join(dict.fromkeys(record.url or record.ref.id for record in candidates[:_NAMED]))
    who = f" ({', '.join(deals[:_NAMED])})" if deals else ""
    why = f"{claimants} deals or tasks may be meant by it{who}" if claimants > 1 else "they are called alike"
    return (
        f"It is unclear at {name} which record is meant ({places}): {why}. No second plan is made. Rename or remove "
        "what is not meant, then run `closedwon backfill --deal ID --adopt`."
    )


def _planned(snapshot: Snapshot) -> bool:
    return any(binding.item == PLAN_ITEM for binding in snapshot.onboarding.bindings)
