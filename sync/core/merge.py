"""The N-way merge of one record: base and replicas in, agreed values and the writes that bring them about out.

Called by `sync.core.plan` for every item of every onboarding. It knows no vendor: what a native value means is said by
the mapping's lenses. It invents nothing (every value comes from the base or from a replica) and never raises for data.

A lens is one field at one connection. Its replica counts as *unchanged* when it equals what the vendor would show for
the base (`view`), so a value that the vendor rounded, trimmed or showed as a tick is no edit and starts no echo.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from connectors.base import Fields, Kind, Value
from mappings.model import FieldRule, Lens, ObjectMapping, Untranslatable
from mappings.translate import put, read, shows

AMENDMENT = "amendment"
"""Stands for a connection in a change that comes from none: the deal, or the template, was changed."""

View = Callable[[str, Kind, Fields], Fields]
"""How a connection would store and show native values: (connection, kind, fields) -> fields."""


@dataclass(frozen=True, slots=True)
class Change:
    """A field's agreed value moved, because `source` changed it."""

    field: str
    old: Value
    new: Value
    source: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """Several sides moved one field to different values; the authority's won and the others are kept here."""

    field: str
    winner: str
    kept: Value
    lost: tuple[tuple[str, Value], ...]


@dataclass(frozen=True, slots=True)
class HeldField:
    """A native value that no rule translates, or one that the vendor would not take: neither read nor overwritten.

    `attempt` tells what the vendor would not take over what (see `attempt_of`): until either side of it changes, the
    value is not read as an edit and not sent again.
    """

    connection: str
    native_field: str
    code: str
    message: str
    attempt: str = ""


@dataclass(frozen=True, slots=True)
class Merge:
    """The outcome for one record: agreed canonical values, and per connection the native fields to write."""

    values: dict[str, Value]
    writes: dict[str, dict[str, Value]] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    held: tuple[HeldField, ...] = ()


def merge(
    mapping: ObjectMapping,
    base: Fields,
    replicas: Mapping[str, Fields],
    *,
    view: View,
    held: Mapping[tuple[str, str], HeldField] | None = None,
    decided: Fields | None = None,
) -> Merge:
    """Merge all fields of one record.

    `replicas` holds native fields by connection; a connection without the record is absent. `held` names the lenses
    that were held back before, by (connection, native field). `decided` are values that an amendment gives: they go to
    all sides, unless people change the same field at this very moment.
    """
    shown = {name: as_shown(mapping, name, base, view) for name in replicas}
    result = Merge(values=dict(base))
    given = {name: value for name, value in (decided or {}).items() if value != base.get(name)}
    if not given and all(shown[name].items() <= replica.items() for name, replica in replicas.items()):
        return result  # every side shows the base: by far the most frequent case
    changes: list[Change] = []
    conflicts: list[Conflict] = []
    stopped: list[HeldField] = []
    for rule in mapping.rules:
        old = base.get(rule.name)
        seen = _read_rule(rule, old, replicas, shown, stopped, held or {})
        new, change, conflict = _decide(rule, old, seen, replicas)
        if change is None and rule.name in given:
            new = given[rule.name]
            change = Change(rule.name, old, new, AMENDMENT)
        result.values[rule.name] = new
        if change:
            changes.append(change)
        if conflict:
            conflicts.append(conflict)
        closed = {(item.connection, item.native_field) for item in stopped}
        for lens in rule.lenses:
            replica = replicas.get(lens.connection)
            if replica is None or not lens.writes or lens.once or (lens.connection, lens.field) in closed:
                continue
            if change is None and replica.get(lens.field) == shown[lens.connection].get(lens.field):
                continue
            if _agrees(lens, replica, new, mapping.kind, view):
                continue
            before = (held or {}).get((lens.connection, lens.field))
            native = put(lens, new)
            if before is not None and before.attempt == attempt_of(native, replicas[lens.connection].get(lens.field)):
                stopped.append(before)
            else:
                result.writes.setdefault(lens.connection, {})[lens.field] = native
    return Merge(result.values, result.writes, tuple(changes), tuple(conflicts), tuple(stopped))


def as_shown(mapping: ObjectMapping, connection: str, values: Fields, view: View) -> Fields:
    """Return the native fields by which a connection shows canonical values."""
    return view(connection, mapping.kind, _native(mapping, connection, values))


def attempt_of(native: Value, shown: Value) -> str:
    """Name a write that the vendor would not take: this native value over the one that it shows."""
    return f"{native!r}{_over(shown)}"


def _over(shown: Value) -> str:
    return f" over {shown!r}"


def _native(mapping: ObjectMapping, connection: str, values: Fields) -> dict[str, Value]:
    return {
        lens.field: lens.transform.put(values.get(rule.name))
        for rule, lenses in mapping.by_connection.get(connection, ())
        for lens in lenses
        if not lens.once
    }


def _read_rule(
    rule: FieldRule,
    old: Value,
    replicas: Mapping[str, Fields],
    shown: Mapping[str, Fields],
    stopped: list[HeldField],
    held: Mapping[tuple[str, str], HeldField],
) -> list[tuple[Lens, Value]]:
    """Return the lenses whose value moved away from the base, with their values."""
    moved = []
    for lens in rule.lenses:
        if not lens.reads or lens.connection not in replicas or lens.field not in replicas[lens.connection]:
            continue
        native = replicas[lens.connection][lens.field]
        before = held.get((lens.connection, lens.field))
        untouched = before is not None and before.attempt.endswith(_over(native))
        if untouched or native == shown[lens.connection].get(lens.field):
            continue
        try:
            value = read(lens, native, old)
        except Untranslatable as error:
            stopped.append(HeldField(lens.connection, lens.field, error.code, error.message))
            continue
        if value != old:
            moved.append((lens, value))
    return moved


def _decide(
    rule: FieldRule, old: Value, moved: list[tuple[Lens, Value]], replicas: Mapping[str, Fields]
) -> tuple[Value, Change | None, Conflict | None]:
    """Let the first authority's value win; what another lens shows is lost only if it cannot mean the same."""
    if not moved:
        return old, None, None
    lens, new = min(moved, key=lambda pair: _rank(rule, pair[0]))
    lost = tuple(
        (other.connection, value)
        for other, value in moved
        if value != new and not shows(other, replicas[other.connection][other.field], new)
    )
    conflict = Conflict(rule.name, lens.connection, new, lost) if lost else None
    return new, Change(rule.name, old, new, lens.connection), conflict


def _rank(rule: FieldRule, lens: Lens) -> tuple[int, int]:
    """Order lenses by authority, then by their order in the mapping file."""
    known = lens.connection in rule.authority
    return (rule.authority.index(lens.connection) if known else len(rule.authority), rule.lenses.index(lens))


def _agrees(lens: Lens, replica: Fields, value: Value, kind: Kind, view: View) -> bool:
    """Tell whether a replica already says the agreed value, in any of its own words or as the vendor would show it."""
    native = replica.get(lens.field)
    return (
        shows(lens, native, value) or native == view(lens.connection, kind, {lens.field: put(lens, value)})[lens.field]
    )
