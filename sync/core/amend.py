"""What a changed deal, or a newer template, changes in a plan: a diff of parts, each with its reason. Pure.

Called by `sync.core.plan` and by the commands that show and accept diffs. The plan as it was to be made and the plan as
it would be made now (`before`, `after`) are compared part by part with what the sides agree on (`base`): what nobody
touched may change, what people changed stays theirs and is only told. Nothing is ever taken away here: a task that is
no longer sold is proposed to be cancelled, and one that was begun is left to a person.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum

from connectors.base import Fields, Value
from mappings.model import Deal, Line
from sync.core.model import PLAN_ITEM


class Matter(StrEnum):
    """What a part is about; policies speak of these."""

    TASKS_ADDED = "tasks_added"
    TASKS_DROPPED = "tasks_dropped"
    DATES = "dates"
    OWNERS = "owners"
    HOURS = "hours"
    TEXTS = "texts"


class PartKind(StrEnum):
    """What becomes of an item."""

    ADD = "add"
    DROP = "drop"
    CHANGE = "change"
    KEEP = "keep"
    """The plan would change it, but people have: theirs stays."""


TERMS = ("terms_hours", "terms_per", "terms_start", "terms_end", "terms_rollover", "terms_rates")
_MATTERS = {
    "start_target": Matter.DATES,
    "due_target": Matter.DATES,
    "start_baseline": Matter.DATES,
    "due_baseline": Matter.DATES,
    "target_launch": Matter.DATES,
    "kickoff": Matter.DATES,
    "owner": Matter.OWNERS,
    "estimated_hours": Matter.HOURS,
    "contracted_hours": Matter.HOURS,
    **dict.fromkeys(TERMS, Matter.HOURS),
}
_BASELINES = frozenset({"start_baseline", "due_baseline"})
"""A baseline is what a plan began with: an amended date moves it along, nothing else does."""

_OURS = frozenset({"status", "tracked_hours"})
"""What a template says only at the beginning."""

_FIXED = frozenset({"audience", "kind", "milestone"})
"""What decides where a task lives and as what: it cannot be changed without a second record."""

GONE = "line removed: "
"""How the reason begins that tells of a product which is no longer sold."""

ADDED, DROPPED = "not_started", "cancelled"


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that the diff changes. `field` is "" for a whole task, whose values are then in `values`."""

    kind: PartKind
    matter: Matter
    item: str
    name: str
    field: str = ""
    old: Value = None
    new: Value = None
    values: tuple[tuple[str, Value], ...] = ()
    why: str = ""

    @property
    def id(self) -> str:
        """Name what the part would bring about, whatever it is now, so that a decision about it is known again."""
        said = [self.kind, self.item, self.field, self.new, self.values]
        return hashlib.sha256(json.dumps(said, default=str).encode()).hexdigest()[:8]

    @property
    def asks(self) -> bool:
        """Tell whether somebody has to decide about it, unless the rules do."""
        return self.kind is not PartKind.KEEP or self.matter is Matter.TASKS_DROPPED


@dataclass(frozen=True, slots=True)
class Diff:
    """All parts, and what happened to the deal in words. The digest is equal when the parts are."""

    parts: tuple[Part, ...] = ()
    reasons: tuple[str, ...] = ()

    @property
    def changes(self) -> tuple[Part, ...]:
        """The parts that would change something."""
        return tuple(part for part in self.parts if part.kind is not PartKind.KEEP)

    @property
    def digest(self) -> str:
        """Name this diff, so that one which a person rejected is known again."""
        text = json.dumps([asdict(part) for part in self.changes], default=str, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def compare(before: Mapping[str, Fields], after: Mapping[str, Fields], base: Mapping[str, Fields]) -> Diff:
    """Return what the step from one specification to the other changes in a plan as it is now, by item."""
    parts: list[Part] = []
    for item in dict.fromkeys((*before, *after)):
        if item not in before:
            parts += _again(item, base[item]) if item in base else [_added(item, after[item])]
        elif item not in after:
            parts += [_dropped(item, base[item])] if item in base and _live(base[item]) else []
        elif item in base and _live(base[item]):
            parts += _changed(item, before[item], after[item], base[item])
    return Diff(tuple(parts))


def fold(base: Mapping[str, Fields], diff: Diff, wanted: Callable[[Part], bool]) -> dict[str, dict[str, Value]]:
    """Return by item the values that the wanted parts give: of whole new tasks all, of the others what changes.

    A task that is dropped becomes `cancelled`.
    """
    given: dict[str, dict[str, Value]] = {}
    for part in diff.changes:
        if not wanted(part):
            continue
        if part.kind is PartKind.ADD:
            given[part.item] = dict(part.values)
        elif part.kind is PartKind.DROP:
            given.setdefault(part.item, {})["status"] = DROPPED
        elif part.item in base:
            given.setdefault(part.item, {})[part.field] = part.new
    return given


def kept_part(field: str, title: str, theirs: Value, ours: Value, connection: str) -> Part:
    """Tell that the plan's own record keeps what people made of it."""
    matter = _MATTERS.get(field, Matter.TEXTS)
    why = f"people changed it at {connection}"
    return Part(PartKind.KEEP, matter, PLAN_ITEM, title, field, theirs, ours, why=why)


def deal_changes(old: Deal, new: Deal) -> tuple[str, ...]:
    """Say in words what changed in a deal, fields first, then lines."""
    told = [f"{name}: {_said(old.fields.get(name))} → {_said(new.fields.get(name))}" for name in _moved(old, new)]
    return (*told, *_line_changes(old.lines, new.lines))


def _added(item: str, values: Fields) -> Part:
    return Part(PartKind.ADD, Matter.TASKS_ADDED, item, _name(item, values), values=tuple(values.items()))


def _again(item: str, now: Fields) -> Iterator[Part]:
    """Take a cancelled task up again that is sold once more."""
    if now.get("status") == DROPPED:
        name = _name(item, now)
        yield Part(PartKind.CHANGE, Matter.TASKS_ADDED, item, name, "status", DROPPED, ADDED, why="sold again")


def _dropped(item: str, now: Fields) -> Part:
    begun = now.get("status") != ADDED or bool(now.get("tracked_hours"))
    if begun:
        text = "no longer sold, but already begun: close it, or leave it open"
        return Part(PartKind.KEEP, Matter.TASKS_DROPPED, item, _name(item, now), why=text)
    return Part(PartKind.DROP, Matter.TASKS_DROPPED, item, _name(item, now))


def _changed(item: str, before: Fields, after: Fields, now: Fields) -> Iterator[Part]:
    for field in dict.fromkeys((*after, *before)):
        old, new = before.get(field), after.get(field)
        if field in _OURS or old == new or now.get(field) == new:
            continue
        matter = _MATTERS.get(field, Matter.TEXTS)
        if field in _BASELINES and now.get(field.replace("baseline", "target")) != before.get(field):
            continue  # people moved the date itself: what it is measured against stays too
        if field in _FIXED:
            text = "it stays as it was made: a task that lives elsewhere would be a second one"
            yield Part(PartKind.KEEP, matter, item, _name(item, now), field, now.get(field), new, why=text)
        elif item == PLAN_ITEM or now.get(field) == old:  # nobody but us changes what is remembered of the plan
            yield Part(PartKind.CHANGE, matter, item, _name(item, now), field, now.get(field), new)
        else:
            text = f"people changed it to {_said(now.get(field))}"
            yield Part(PartKind.KEEP, matter, item, _name(item, now), field, now.get(field), new, why=text)


def _moved(old: Deal, new: Deal) -> list[str]:
    names = dict.fromkeys((*old.fields, *new.fields))
    return [name for name in names if name != "lines" and old.fields.get(name) != new.fields.get(name)]


def _line_changes(old: tuple[Line, ...], new: tuple[Line, ...]) -> Iterator[str]:
    before, now = _counted(old), _counted(new)
    for product in dict.fromkeys((*before, *now)):
        was, is_ = before.get(product), now.get(product)
        if was is None:
            yield f"line added: {product}, {is_:g}"
        elif is_ is None:
            yield f"{GONE}{product}"
        elif was != is_:
            yield f"line changed: {product}, {was:g} → {is_:g}"


def _counted(lines: tuple[Line, ...]) -> dict[str, float]:
    counted: dict[str, float] = {}
    for line in lines:
        counted[line.product] = counted.get(line.product, 0.0) + line.quantity
    return counted


def _live(fields: Fields) -> bool:
    return fields.get("status") not in {"done", DROPPED}


def _name(item: str, values: Fields) -> str:
    return str(values.get("name") or values.get("title") or item)


def _said(value: Value) -> str:
    return "nothing" if value is None or value == "" else str(value)
