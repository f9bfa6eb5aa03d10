"""Runs beside another tool and tells where its plans and roll-ups differ from what Closedwon would have made.

Called by `closedwon backfill --shadow`, with an engine on a store of its own that is thrown away afterwards: nothing is
written at a vendor, and nothing into the store of Closedwon proper. Plans are found by the mapping's `match`, roll-ups
by the CRM's own link from the deal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.base import Capability, Fields, Record
from mappings.model import LEDGER, ObjectMapping
from mappings.translate import shows
from sync.backfill.run import Progress
from sync.backfill.selection import Selection
from sync.core.model import PLAN_ITEM, Onboarding
from sync.core.planned import Context, Plan
from sync.core.rollup_step import roll_up_step
from sync.engine import Engine, Report
from sync.engine.existing import Recognised
from sync.engine.lessons import lessons, told

EXAMPLES = 3
"""Examples for each field and kind."""
_LINKS = frozenset({"name", "deal", "plan_id", "plan_url", "sheet_id", "sheet_url"})
"""Roll-up fields that say which record it is, not how the onboarding stands."""


@dataclass
class Difference:
    """One field of one kind at one connection: how often it was compared, how often it differed, with examples."""

    compared: int = 0
    differing: int = 0
    examples: list[dict[str, str]] = field(default_factory=list)


@dataclass
class Shadow:
    """What a shadow run found."""

    deals: int = 0
    matches: dict[str, Counter[str]] = field(default_factory=dict)
    fields: dict[tuple[str, str, str], Difference] = field(default_factory=dict)
    """By kind, connection and field."""
    lacking: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Records that we would have made and that are not there, by kind and connection."""
    others: Counter[str] = field(default_factory=Counter)
    """Tasks that are there and that the template does not know, by connection."""
    held: Counter[str] = field(default_factory=Counter)

    def compare(self, kind: str, name: str, place: str, what: str, ours: object, theirs: object, *, same: bool) -> None:
        """Count one comparison of `what`."""
        seen = self.fields.setdefault((kind, name, what), Difference())
        seen.compared += 1
        if same:
            return
        seen.differing += 1
        if len(seen.examples) < EXAMPLES:
            seen.examples.append({"at": place, "ours": _told(ours), "theirs": _told(theirs)})

    @property
    def equal(self) -> bool:
        """Whether nothing differs, lacks or is unclear."""
        unclear = self.lacking.total() + self.others.total() + self.held.total()
        return not unclear and not any(each.differing for each in self.fields.values())

    def as_json(self) -> dict[str, Any]:
        """Return it for `--json`."""
        return {
            "shadow": True,
            "deals": self.deals,
            "matches": {name: dict(counts) for name, counts in self.matches.items()},
            "fields": [
                {"kind": kind, "connection": name, "field": what, "compared": each.compared,
                 "differing": each.differing, "examples": each.examples}
                for (kind, name, what), each in sorted(self.fields.items())
            ],
            "lacking": [{"kind": k, "connection": n, "count": c} for (k, n), c in sorted(self.lacking.items())],
            "others": dict(self.others),
            "held": dict(self.held),
        }  # fmt: skip


def shadow(engine: Engine, deals: Selection, *, progress: Progress = lambda _s, _t, _r: None) -> Shadow:
    """Compare what is there of these deals with what we would make. Raises the connectors' errors.

    `engine` stands on an empty store of its own, in which plans are bound as they are found so that logged time counts.
    """
    found = Shadow()
    _read_time(engine)
    progress(0, deals.total, Report())
    for batch in deals.batches(engine.settings.batch):
        by_id = {record.ref.id: record for record in batch}
        found.deals += len(by_id)
        _compare(found, engine, by_id)
        progress(deals.read, deals.total, Report())
    progress(deals.read, deals.total, Report())
    return found


def _read_time(engine: Engine) -> None:
    for name, connector in engine.connections.items():
        if Capability.TIME in connector.capabilities:
            engine.store.put_time(name, connector.time_changes("").entries)


def _compare(found: Shadow, engine: Engine, deals: Mapping[str, Record]) -> None:
    engine.recogniser.adopting = True
    engine.recogniser.told = {}
    plans = {each.key: each for each in engine.preview([*deals], deals=deals)}
    told, drafts = engine.recogniser.told, engine.recogniser.drafts
    for each in plans.values():
        found.held.update({q.code for q in each.quarantine if not each.steps and not each.base})
    for key, seen in told.items():
        for name, how in seen.found.items():
            found.matches.setdefault(name, Counter())[how] += 1
        found.others.update({name: count for name, count in seen.others.items() if count})
        if not seen.doubt:
            _compare_plan(found, engine.context(), drafts[key], seen)
    there = {key: seen for key, seen in told.items() if seen.bindings and not seen.doubt}
    engine.store.bind([binding for seen in there.values() for binding in seen.bindings])
    # Once they are bound, logged time belongs to them, and the roll-ups know of it.
    plans |= {each.key: each for each in engine.preview([*there], deals=deals)} if there else {}
    _compare_roll_ups(found, engine, [*plans.values()], deals)


def _compare_plan(found: Shadow, context: Context, draft: Plan, each: Recognised) -> None:
    """Hold what is there of one plan against its draft."""
    for name in each.found:
        for item, values in draft.base.items():
            kind, mapping = ("plan", context.mappings.plan) if item == PLAN_ITEM else ("task", context.mappings.task)
            homes = context.mappings.homes(str(values.get("audience") or "both")) if kind == "task" else (name,)
            record = each.records.get((name, item))
            if record is not None:
                _compare_record(found, kind, name, f"{draft.key}:{item}", mapping, values, record)
            elif name in homes:
                found.lacking[kind, name] += 1


def _compare_record(
    found: Shadow, kind: str, name: str, place: str, mapping: ObjectMapping, values: Fields, record: Record
) -> None:
    for rule, lenses in mapping.by_connection.get(name, ()):
        if rule.at(LEDGER) or rule.name not in values:
            continue  # logged time is compared in the roll-ups
        for lens in lenses:
            if not lens.once and lens.field in record.fields:
                theirs = record.fields[lens.field]
                ours = lens.transform.put(values[rule.name])
                found.compare(kind, name, place, lens.field, ours, theirs, same=shows(lens, theirs, values[rule.name]))


def _compare_roll_ups(found: Shadow, engine: Engine, plans: list[Plan], deals: Mapping[str, Record]) -> None:
    """Hold the CRM's onboarding records against what we would write of the plans as they stand."""
    context, keys = engine.context(), [each.key for each in plans]
    known, facts = engine.store.load(keys), told(engine.store, keys)
    learned = lessons(engine.store, context.mappings.calendar, context.today, keep=False)
    for each in plans:
        before = known.get(each.key, Onboarding(each.key))
        step, fields = roll_up_step(
            each, before, context, told=facts[each.key], experience=learned.experience, held=each.quarantine
        )
        if step is None:
            continue
        if not deals[each.key].links:
            found.lacking["onboarding", engine.crm] += 1
        for link in deals[each.key].links[:1]:
            for name in _native(context):
                same = link.get(name) == fields.get(name) or (not link.get(name) and not fields.get(name))
                found.compare("onboarding", engine.crm, each.key, name, fields.get(name), link.get(name), same=same)


def _native(context: Context) -> Iterator[str]:
    for rule, lenses in context.mappings.onboarding.by_connection.get(context.crm, ()):
        if rule.name not in _LINKS:
            yield from (lens.field for lens in lenses)


def _told(value: object) -> str:
    return "" if value is None else str(value)
