"""The file between `plan --out` and `apply`: every write with its reason, and a digest that `apply` holds it to.

Called by the commands. A plan file is a promise: `apply` looks anew, plans anew, and goes on only if every single write
is the same. It holds no secret and nothing that is needed to plan again but the keys.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import orjson

from connectors.base import Connector, Create, Fields, Kind, Ref, Upsert, Write
from mappings.reading import Mistake, Problems
from sync.core.model import PLAN_ITEM, Binding, Onboarding
from sync.core.planned import Context, Plan, Step
from sync.core.records import RecordsStore
from sync.core.rollup_step import roll_up_step
from sync.engine.lessons import lessons, told

FORMAT = "closedwon-plan-2"
BEGINNING = 5
"""Calls that a command may need at a connection before its first write, however many deals there are: to sign in, to
learn the fields, where the numbers stand, and what a workflow looks like."""

TO_COME = "(known once it is there)"
"""Stands in a previewed roll-up for the id and address of a plan that is yet to be made."""


class Moved(Exception):
    """The world is not as it was when the plan was made; the message says what was and was not done."""


@dataclass(frozen=True, slots=True)
class PlanFile:
    """What `apply` needs of a plan file: the keys, and the fingerprints of each key's writes."""

    path: Path
    keys: tuple[str, ...]
    writes: Mapping[str, frozenset[str]]


def roll_ups(
    plans: Sequence[Plan],
    known: Mapping[str, Onboarding],
    context: Context,
    store: RecordsStore,
) -> dict[str, Step]:
    """Return the CRM writes that will follow these plans, by key, as far as they can be told before."""
    learned = lessons(store, context.mappings.calendar, context.today, keep=False)
    facts, now = told(store, [each.key for each in plans]), datetime.combine(context.today, time(), UTC)
    found = {}
    for each in plans:
        made = tuple(
            Binding(each.key, PLAN_ITEM, step.connection, Kind.PLAN, Ref(TO_COME), TO_COME)
            for step in each.steps
            if step.write.kind is Kind.PLAN and isinstance(step.write, Create)
        )
        before = known[each.key]
        bound = replace(before, bindings=before.bindings + made)
        step, fields = roll_up_step(
            each,
            bound,
            context,
            told=facts[each.key].and_then(each.events, now),
            experience=learned.experience,
            held=each.quarantine,
        )
        refused = {q.attempt for q in before.held if q.connection == context.crm}
        if step is not None and repr(sorted(fields.items())) not in refused:
            found[each.key] = step
    return found


def describe(
    plans: Sequence[Plan],
    rollups: Mapping[str, Step],
    *,
    day: date,
    connections: Mapping[str, Connector],
    quota: Mapping[str, int | None],
    looked: Mapping[str, int],
) -> dict[str, Any]:
    """Return everything a plan says as JSON-able data: writes, reasons, price in calls, what is held back.

    `looked` are the calls that looking has cost; `apply` looks twice. `calls` are those of the writes alone.
    """
    by_connection: dict[str, list[Write]] = {name: [] for name in connections}
    for step in [*(step for each in plans for step in each.steps), *rollups.values()]:
        by_connection[step.connection].append(step.write)
    price = {name: connections[name].price(writes) if writes else 0 for name, writes in by_connection.items()}
    shown = [_plan(each, rollups.get(each.key)) for each in plans]
    return {
        "format": FORMAT,
        "day": day.isoformat(),
        "digest": _digest(shown),
        "keys": [each.key for each in plans],
        "summary": {
            name: {
                "creates": sum(isinstance(write, Create) for write in writes),
                "updates": sum(not isinstance(write, Create | Upsert) for write in writes),
                "rollups": sum(isinstance(write, Upsert) for write in writes),
                "calls": price[name],
                "looking": looked.get(name, 0),
                "at_most": price[name] + 2 * looked.get(name, 0) + (BEGINNING if writes else 0),
                "quota_left": quota.get(name),
            }
            for name, writes in by_connection.items()
        },
        "plans": [each for each in shown if each["steps"] or each["held"] or each["rollup"]],
    }


def _plan(each: Plan, rollup: Step | None) -> dict[str, Any]:
    return {
        "deal": each.key,
        "title": each.title,
        "template": each.template,
        "steps": [_step(step) for step in each.steps],
        "rollup": _step(rollup) if rollup else None,
        "held": [
            {"item": q.item, "connection": q.connection, "field": q.field, "code": q.code, "message": q.message}
            for q in each.quarantine
        ],
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "item": step.item,
        "connection": step.connection,
        "do": type(step.write).__name__.lower(),
        "kind": str(step.write.kind),
        "fields": _plain(step.write.fields),
        "reason": step.reason,
    }


def _plain(fields: Fields) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, date) else list(value) if isinstance(value, tuple) else value
        for name, value in fields.items()
    }


def _fingerprint(step: Mapping[str, Any]) -> str:
    """Return the fingerprint of one write; why it is made does not count."""
    what = {name: value for name, value in step.items() if name != "reason"}
    return hashlib.sha256(orjson.dumps(what, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _fingerprints(plans: Iterable[Mapping[str, Any]]) -> dict[str, frozenset[str]]:
    return {each["deal"]: frozenset(map(_fingerprint, each["steps"])) for each in plans if each["steps"]}


def _digest(plans: Iterable[Mapping[str, Any]]) -> str:
    """Return the fingerprint of all writes of a file, which tells whether somebody edited it."""
    writes = {key: sorted(steps) for key, steps in _fingerprints(plans).items()}
    return hashlib.sha256(orjson.dumps(writes, option=orjson.OPT_SORT_KEYS)).hexdigest()


def load(path: Path) -> PlanFile:
    """Read a plan file; raises Problems when it is none, or is not as `plan` left it."""
    try:
        data = orjson.loads(path.read_bytes())
        if data["format"] != FORMAT:
            what = f"this is no plan file of this version ({FORMAT})"
        elif _digest(data["plans"]) != data["digest"]:
            what = "its writes are not the ones that `closedwon plan` wrote down: somebody edited them"
        else:
            return PlanFile(path, tuple(data["keys"]), _fingerprints(data["plans"]))
    except OSError as error:
        what = f"the file cannot be read: {error.strerror}"
    except (ValueError, KeyError, TypeError, AttributeError):
        what = "this is no plan file"
    raise Problems([Mistake(str(path), 1, 1, what, "Make one with `closedwon plan --out FILE`")])


class Hold:
    """Holds a run to a plan file: consents to a batch only if it does what was shown, all of it at first.

    An onboarding that is looked at again (a vendor asked to wait, an outcome was unknown) may do what is left of it.
    """

    def __init__(self, kept: PlanFile) -> None:
        self._kept = kept
        self._begun: set[str] = set()

    def compare(self, plans: Iterable[Plan]) -> None:
        """Raise Moved, before anything is written, unless these plans are the file's."""
        differing = [each.key for each in plans if self._writes(each) != self._kept.writes.get(each.key, frozenset())]
        if differing:
            raise Moved(
                f"The world has moved since {self._kept.path} was made: {len(differing)} of {len(self._kept.keys)} "
                f"onboardings would no longer be written as it says ({', '.join(differing[:3])}). Nothing was written. "
                "Look at the difference with `closedwon plan`, and make a new file with --out."
            )

    def __call__(self, plans: Sequence[Plan]) -> None:
        """Consent to a batch, or raise Moved."""
        for each in plans:
            told = self._kept.writes.get(each.key, frozenset())
            now = self._writes(each)
            if not (now <= told if each.key in self._begun else now == told):
                raise Moved(
                    f"The world moved while {self._kept.path} was carried out: {each.key} and what came with it would "
                    "no longer be written as it says, so they were left. What was done before stays done. Look with "
                    "`closedwon plan`; `closedwon reconcile` does the rest as it is now."
                )
        self._begun |= {each.key for each in plans}

    @staticmethod
    def _writes(each: Plan) -> frozenset[str]:
        return frozenset(_fingerprint(_step(step)) for step in each.steps)
