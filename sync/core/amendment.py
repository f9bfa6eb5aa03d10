"""What becomes of a plan when its deal, or its template, is not what it was made from: looked at anew at every look.

Called by `sync.core.plan` between the draft and the merge. Pure. The plan as it was to be made then and as it would be
made now come from the same template, mapping and calendar, so that they differ by what changed and by nothing else.
What the rules or a person allow joins the draft: new tasks as new, changed values as decided. The rest is held, and the
deal stays remembered as it was until everything about it is decided. A deal that is as remembered costs a comparison.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from connectors.base import Fields, Value
from mappings.model import Deal, HeldBack, MappingSet, ObjectMapping
from mappings.templates import Template, instantiate, kickoff_of
from sync.core.amend import DROPPED, Diff, Matter, Part, PartKind, compare, deal_changes, fold
from sync.core.draft import values_of
from sync.core.model import PLAN_ITEM, Event, Quarantine, Severity
from sync.core.planned import Context, Plan, Snapshot
from sync.core.sold import (
    LEFT,
    NOW,
    PATCH,
    RULES,
    as_read,
    decoded,
    encoded,
    recalled,
    remembered,
    same,
    seen,
    seen_since,
)
from sync.core.twins import print_of

AMENDMENT_FIELD = "amendment"
"""Stands for a field in what is held back about a changed deal."""

ENGINE = "engine"


@dataclass(frozen=True, slots=True)
class Amended:
    """A draft with the amendment in it; `decided` are values, by item, which the sides do not show yet."""

    plan: Plan
    decided: Mapping[str, Fields] = field(default_factory=dict)
    by: str = ENGINE


def amend(snapshot: Snapshot, context: Context, drafted: Plan) -> Amended:
    """Return the draft of an onboarding with what its changed deal means for it. Never raises for data."""
    deal, known = snapshot.deal, snapshot.onboarding
    if deal is None or not known.base:
        return Amended(drafted)
    rules = context.mappings.read_digest
    present = remembered(deal, contracted=known.deal.get("contracted_hours"), rules=rules)
    if present == known.deal and not snapshot.decision.upgrade:
        return Amended(drafted)  # by far the most frequent case
    then = recalled(known.key, known.deal)
    if then is None:  # made before lines were remembered: who could say what changed
        hours = drafted.base.get(PLAN_ITEM, {}).get("contracted_hours")
        return Amended(replace(drafted, deal={**present, "contracted_hours": hours}))
    changed = None if (old := context.rules(str(known.deal.get(RULES)))) is None else _reread(old, context.mappings)
    since = seen_since(known.deal, then)
    now, then = as_read(deal, then, frozenset() if known.deal.get(RULES) == rules else changed, since)
    step = _Step(snapshot, context, drafted, then, now)
    if snapshot.decision.upgrade and not step.undecided:
        return step.upgraded()
    if same(now, then) and not step.undecided:
        return step.settled()
    return step.amended()


class _Step:
    """One onboarding's way from the deal of then to the deal of now."""

    def __init__(self, snapshot: Snapshot, context: Context, drafted: Plan, then: Deal, now: Deal) -> None:
        self.snapshot, self.context, self.drafted = snapshot, context, drafted
        self.then, self.now = then, now
        self.known = snapshot.onboarding
        self.undecided = PATCH in self.known.deal or LEFT in self.known.deal

    def settled(self) -> Amended:
        """Remember the deal as it is now."""
        return Amended(replace(self.drafted, deal=self._remember(self.drafted.base)))

    def amended(self) -> Amended:
        """Bring about what is allowed of the deal's changes, and hold the rest."""
        template = self.context.pinned(self.known.template, self.known.template_version)
        if template is None:
            text = (
                f"The deal was changed, but template {self.known.template} {self.known.template_version}, which its "
                "plan was made from, is not there any more: put that version of the file among the templates again."
            )
            return self._held("AMEND-02", text)
        try:
            before, after = self._items(template, self.then), self._items(template, self.now)
        except HeldBack as error:
            return self._held(error.code, f"The deal was changed, but no plan can be made of it now. {error.message}")
        diff = self._diff(_overlaid(before, _patch(self.known.deal)), after)
        return self._folded(replace(diff, reasons=deal_changes(self.then, self.now)), after)

    def upgraded(self) -> Amended:
        """Bring about what another version of the template changes; a person has seen and accepted it."""
        newer = self.context.pinned(self.known.template, self.snapshot.decision.upgrade)
        pinned = self.context.pinned(self.known.template, self.known.template_version)
        if newer is None or pinned is None:
            return Amended(self.drafted)
        try:
            before, after = self._items(pinned, self.then), self._items(newer, self.then)
        except HeldBack as error:
            return self._held(error.code, f"The plan cannot be made from the newer template. {error.message}")
        reason = f"template {newer.name}: version {self.known.template_version} → {newer.version}"
        diff = replace(self._diff(before, after), reasons=(reason,))
        granted = {part.id for part in diff.changes}
        given = fold(self.drafted.base, diff, lambda part: part.id in granted)
        done = self._applied(diff, given, granted)
        return replace(done, plan=replace(done.plan, template_version=newer.version, deal=self.known.deal))

    def _items(self, template: Template, deal: Deal) -> dict[str, Fields]:
        mappings = self.context.mappings
        kickoff = kickoff_of(template, deal, mappings.calendar)
        spec = instantiate(template, deal, mappings.calendar, kickoff=kickoff, people=mappings.users.roles)
        return values_of(spec, deal, mappings)

    def _diff(self, before: Mapping[str, Fields], after: Mapping[str, Fields]) -> Diff:
        task = self.context.mappings.task
        once = {rule.name for rule in task.rules if rule.lenses and all(lens.once for lens in rule.lenses)}
        diff = compare(before, after, self.drafted.base)
        kept = (part for part in diff.parts if part.kind is not PartKind.CHANGE or part.field not in once)
        if can_cancel(task):
            return Diff(tuple(kept))
        text = f"the mapping's status has no `{DROPPED}`: close the task yourself"
        return Diff(tuple(replace(p, kind=PartKind.KEEP, why=text) if p.kind is PartKind.DROP else p for p in kept))

    def _folded(self, diff: Diff, after: Mapping[str, Fields]) -> Amended:
        decision, rules = self.snapshot.decision, self.context.mappings.amendments
        ids = {part.id for part in diff.parts}
        left = {*_left(self.known.deal), *decision.left} & ids
        emptied = bool(self.then.lines) and not self.now.lines
        granted: set[str] = set()
        for part in diff.parts:
            free = rules.applies(part.matter) and not (emptied and part.kind is PartKind.DROP)
            if part.id not in left and part.kind is not PartKind.KEEP and (free or part.id in decision.applied):
                granted.add(part.id)
        left |= {part.id for part in diff.parts if part.kind is PartKind.KEEP and part.id in decision.applied}
        waiting = Diff(tuple(p for p in diff.parts if p.asks and p.id not in granted | left), diff.reasons)
        given = fold(self.drafted.base, diff, lambda part: part.id in granted)
        done = self._applied(diff, given, granted)
        base = done.plan.base
        undecided = {part.id for part in diff.changes if part.id in left} | {part.id for part in waiting.parts}
        fields = self._remember(base)
        if undecided:
            patch = _patched(_patch(self.known.deal), diff, granted, after)
            then = recalled(self.known.key, self.known.deal) or self.then
            kept = seen(self.known.deal, then, self.now)
            present = {NOW: print_of(self.snapshot.deal or self.now), **_undecided(left, patch)}
            fields = {**kept, "contracted_hours": fields["contracted_hours"], **present}
        held = (_waiting(self.known.key, waiting),) if waiting.parts else ()
        events = tuple(_leaving(self.snapshot, [part for part in diff.parts if part.id in decision.left]))
        plan = replace(
            done.plan, deal=fields, events=(*done.plan.events, *events), quarantine=(*done.plan.quarantine, *held)
        )
        return replace(done, plan=plan)

    def _applied(self, diff: Diff, given: Mapping[str, Mapping[str, Value]], granted: set[str]) -> Amended:
        """Put what is granted into the draft: new items and what only we remember at once, the rest as decided."""
        shown = {rule.name for rule in self.context.mappings.task.rules}
        base: dict[str, Fields] = dict(self.drafted.base)
        decided: dict[str, Fields] = {}
        for item, values in given.items():
            if item not in base:
                base[item] = values
                continue
            ours = item == PLAN_ITEM
            decided[item] = {} if ours else {name: value for name, value in values.items() if name in shown}
            base[item] = {**base[item], **{n: v for n, v in values.items() if ours or n not in shown}}
        parts = [part for part in diff.changes if part.id in granted]
        by = self.snapshot.decision.by
        who = by if by and (self.snapshot.decision.upgrade or self.snapshot.decision.applied & granted) else ENGINE
        events = [_event(self.known.key, p, who) for p in parts if p.field not in decided.get(p.item, {})]
        title = str(base.get(PLAN_ITEM, {}).get("title") or self.drafted.title)
        plan = replace(
            self.drafted,
            title=title,
            base=base,
            amended=frozenset(
                (item, name) for item, values in given.items() if item in self.drafted.base for name in values
            ),
            events=tuple(events),
            diff=diff,
        )
        return Amended(plan, decided, who)

    def _remember(self, base: Mapping[str, Fields]) -> dict[str, Value]:
        hours = base.get(PLAN_ITEM, {}).get("contracted_hours")
        return remembered(self.now, contracted=hours, rules=self.context.mappings.read_digest)

    def _held(self, code: str, text: str) -> Amended:
        held = Quarantine(self.known.key, "", "", AMENDMENT_FIELD, code, text, Severity.HELD)
        return Amended(replace(self.drafted, quarantine=(*self.drafted.quarantine, held)))


def can_cancel(task: ObjectMapping) -> bool:
    """Tell whether every side has a word for a cancelled task."""
    lenses = task.rule("status").lenses
    return all(lens.transform.put(DROPPED) is not None for lens in lenses if lens.writes)


def parts_of(held: Quarantine) -> dict[str, Any]:
    """Return what waits for a person, as `AMEND-01` keeps it: reasons, and parts with their ids."""
    if held.code != "AMEND-01":
        return {}
    # Whoever asks for a look at everything held (`forgive`) empties it; the look that follows says it anew.
    return dict(json.loads(held.attempt)) if held.attempt else {"reasons": [], "parts": []}


def part_json(part: Part) -> dict[str, Any]:
    """Return a part as it is shown and kept."""
    said = {name: value for name, value in asdict(part).items() if name != "values"}
    return {"id": part.id, **said, "old": _shown(part.old), "new": _shown(part.new)}


def _shown(value: Value) -> Value:
    return value if value is None or isinstance(value, bool | int | float) else str(value)


def _waiting(key: str, waiting: Diff) -> Quarantine:
    counts = ", ".join(
        f"{sum(1 for part in waiting.parts if part.matter is matter)} of {matter.replace('_', ' ')}"
        for matter in Matter
        if any(part.matter is matter for part in waiting.parts)
    )
    text = (
        f"The deal was changed after its plan was made ({'; '.join(waiting.reasons) or 'and changed back'}). Waiting: "
        f"{counts}. Look with `closedwon amendments {key}`, then decide with `closedwon amendments apply {key}` or "
        f"`closedwon amendments reject {key} --reason TEXT`."
    )
    kept = {"reasons": waiting.reasons, "parts": [part_json(part) for part in waiting.parts]}
    attempt = json.dumps(kept, ensure_ascii=False)
    return Quarantine(key, "", "", AMENDMENT_FIELD, "AMEND-01", text, Severity.HELD, attempt=attempt)


def _event(key: str, part: Part, who: str) -> Event:
    new = part.name if part.kind is PartKind.ADD else repr(part.new)
    return Event(key, part.item, part.field, repr(part.old), new, who, "amended")


def _leaving(snapshot: Snapshot, parts: list[Part]) -> Iterator[Event]:
    decision, before = snapshot.decision, _left(snapshot.onboarding.deal)
    for part in parts:
        if part.id not in before:
            yield Event(snapshot.key, part.item, part.field, repr(part.new), decision.reason, decision.by, "left")


def _left(deal: Fields) -> frozenset[str]:
    left = deal.get(LEFT)
    return frozenset(left) if isinstance(left, tuple | list) else frozenset()


def _patch(deal: Fields) -> dict[str, Any]:
    return dict(json.loads(str(deal.get(PATCH) or '{"items": {}, "dropped": []}')))


def _undecided(left: set[str], patch: Mapping[str, Any]) -> dict[str, Value]:
    return {LEFT: tuple(sorted(left)), PATCH: json.dumps(patch, sort_keys=True, ensure_ascii=False)}


def _overlaid(before: Mapping[str, Fields], patch: Mapping[str, Any]) -> dict[str, Fields]:
    """Return the specification of then with what was applied since."""
    items = {item: values for item, values in before.items() if item not in patch["dropped"]}
    for item, values in patch["items"].items():
        items[item] = {**items.get(item, {}), **decoded(values)}
    return items


def _patched(patch: Mapping[str, Any], diff: Diff, granted: set[str], after: Mapping[str, Fields]) -> dict[str, Any]:
    items, dropped = dict(patch["items"]), set(patch["dropped"])
    for part in diff.changes:
        if part.id not in granted:
            continue
        if part.kind is PartKind.DROP:
            dropped.add(part.item)
            items.pop(part.item, None)
        elif part.kind is PartKind.ADD or part.field == "status":
            dropped.discard(part.item)
            items[part.item] = encoded(after[part.item])
        else:
            items[part.item] = {**items.get(part.item, {}), **encoded({part.field: part.new})}
    return {"items": items, "dropped": sorted(dropped)}


def _reread(old: Mapping[str, str], mappings: MappingSet) -> frozenset[str]:
    """Name the fields that the mapping reads otherwise than it did then."""
    return frozenset(name for name, print_ in mappings.read_by.items() if old.get(name) != print_)
