"""The words of `mappings` as plain data: lenses, rules, object mappings, deals, and what may go wrong with them.

Built by `mappings.load`, applied by `mappings.translate` and `mappings.templates`, carried about by `sync`. Knows no
vendor: a connection is a name, a field is the name that its connector uses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Protocol

from connectors.base import Fields, Kind, Value
from mappings.amendments import AmendmentRules, digest_of
from mappings.calendar import BusinessCalendar
from mappings.conditions import Condition
from mappings.hours import HourRules
from mappings.practice import CourtRules, HealthRules
from mappings.scope import ScopeRules

ENGINE = "engine"
"""The virtual connection of values that Closedwon itself computes (roll-ups, a task's first description)."""

LEDGER = "ledger"
"""The virtual connection of logged time: its one field is `tracked_seconds`."""

VIRTUAL = (ENGINE, LEDGER)


class Untranslatable(Exception):
    """No rule translates this native value: the field is held back until the mapping or the record is put right."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code

    @property
    def message(self) -> str:
        """The operator's sentence; ends with what to do."""
        return str(self.args[0])


class HeldBack(Exception):
    """This deal cannot become a plan as it stands; it waits for a person and stops nothing else."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code

    @property
    def message(self) -> str:
        """The operator's sentence; ends with what to do."""
        return str(self.args[0])


@dataclass(frozen=True, slots=True)
class Problem:
    """A canonical field that could not be read from a record, and why."""

    field: str
    code: str
    message: str


class Transform(Protocol):
    """How one canonical value looks at one vendor. On its domain `get(put(x)) == x`."""

    def put(self, value: Value) -> Value:
        """Turn a canonical value into the native one; never raises for a value of the rule's type."""
        ...

    def get(self, native: Value) -> Value:
        """Turn a native value into the canonical one; raises Untranslatable where no rule covers it."""
        ...


@dataclass(frozen=True, slots=True)
class Lens:
    """One column or field at one connection, seen as a canonical field."""

    connection: str
    field: str
    transform: Transform
    reads: bool
    """Changes made by people in this field count."""
    writes: bool
    """We write this field."""
    connection_field_type: str = ""
    """The column type to create at the vendor, where the mapping says one."""
    once: bool = False
    """Written when the record is created and left alone afterwards."""


@dataclass(frozen=True, slots=True)
class FieldRule:
    """One canonical field: its type, where it is seen, and whose value wins a conflict (the first of `authority`)."""

    name: str
    type: str
    lenses: tuple[Lens, ...]
    authority: tuple[str, ...]
    timed: bool = False
    """Its one lens is a column of hours that people enter: each record's number is a time entry."""

    def at(self, connection: str) -> tuple[Lens, ...]:
        """Return this field's lenses at a connection."""
        return tuple(lens for lens in self.lenses if lens.connection == connection)


@dataclass(frozen=True, slots=True)
class Match:
    """By what a record that is there already is known: a native field of it, and what that must hold."""

    field: str
    equals: Condition
    """Over `deal` and `lines`, and `plan` or `task`: what we would make."""


@dataclass(frozen=True)
class ObjectMapping:
    """All rules for one kind of record. Not `Mapping`, which is Python's word."""

    kind: Kind
    rules: tuple[FieldRule, ...]
    matches: Mapping[str, Match] = field(default_factory=dict)
    """By connection; empty where nothing that others made is looked for."""

    @cached_property
    def _by_name(self) -> dict[str, FieldRule]:
        return {rule.name: rule for rule in self.rules}

    @cached_property
    def timed(self) -> tuple[FieldRule, ...]:
        """The rules whose columns hold hours that people enter."""
        return tuple(rule for rule in self.rules if rule.timed)

    @cached_property
    def by_connection(self) -> dict[str, tuple[tuple[FieldRule, tuple[Lens, ...]], ...]]:
        """Rules with their lenses, grouped by connection: worked out once, since every record passes here."""
        names = dict.fromkeys(lens.connection for rule in self.rules for lens in rule.lenses)
        return {name: tuple((rule, rule.at(name)) for rule in self.rules if rule.at(name)) for name in names}

    def rule(self, name: str) -> FieldRule:
        """Return the rule of a canonical field; KeyError when the mapping has none."""
        return self._by_name[name]

    def fields_of(self, connection: str) -> tuple[str, ...]:
        """Return the native names of all fields used at a connection, in the mapping's order, each once."""
        lenses = (lens for _, lenses in self.by_connection.get(connection, ()) for lens in lenses)
        matched = [self.matches[connection].field] if connection in self.matches else []
        return tuple(dict.fromkeys([*(lens.field for lens in lenses), *matched]))


@dataclass(frozen=True, slots=True)
class ColumnSpec:
    """A column that a connector creates in a new sheet."""

    title: str
    type: str
    options: tuple[str, ...] = ()
    primary: bool = False
    hidden: bool = False
    locked: bool = False


@dataclass(frozen=True, slots=True)
class UserMap:
    """Who is who: e-mail addresses against each connection's own ids, and who fills which role."""

    ids: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Per connection: native id by lower-case e-mail. A connection that is absent knows people by e-mail."""
    roles: Mapping[str, str] = field(default_factory=dict)
    """E-mail by role; wins over what a template says."""

    def unmapped(self, connection: str, emails: tuple[str, ...]) -> tuple[str, ...]:
        """Return those people whom this connection would be told nothing about."""
        known = self.ids.get(connection)
        return () if known is None else tuple(e for e in emails if e and e.lower() not in known)


@dataclass(frozen=True, slots=True)
class Check:
    """A condition that every won deal must meet before it becomes a plan, and what to tell whoever can mend it."""

    condition: Condition
    message: str


@dataclass(frozen=True)
class MappingSet:
    """Everything one mapping file says."""

    connections: tuple[str, ...]
    deal: ObjectMapping
    lines: ObjectMapping
    onboarding: ObjectMapping
    plan: ObjectMapping
    task: ObjectMapping
    users: UserMap
    calendar: BusinessCalendar
    won_when: Condition | None
    required: tuple[str, ...]
    """Canonical deal fields without which no plan is made."""
    checks: tuple[Check, ...]
    audiences: Mapping[str, tuple[str, ...]]
    column_specs: Mapping[str, tuple[ColumnSpec, ...]]
    digest: str
    """Changes whenever the meaning of the file does; stored with what was made from it."""
    hours: HourRules = field(default_factory=HourRules)
    courts: CourtRules = field(default_factory=CourtRules)
    health: HealthRules = field(default_factory=HealthRules)
    scope: ScopeRules = field(default_factory=ScopeRules)
    amendments: AmendmentRules = field(default_factory=AmendmentRules)
    read_by: Mapping[str, str] = field(default_factory=dict)
    """How each field of deals and lines is read: a fingerprint by `deal.<field>` and `lines.<field>`."""

    @cached_property
    def read_digest(self) -> str:
        """Name all of `read_by`."""
        return digest_of(self.read_by)

    def homes(self, audience: str) -> tuple[str, ...]:
        """Return the connections where a task of this audience lives."""
        return self.audiences[audience]

    def columns(self, connection: str) -> tuple[ColumnSpec, ...]:
        """Return the columns of a task sheet, in order; empty where the vendor has no columns of ours to create."""
        return self.column_specs.get(connection, ())


@dataclass(frozen=True, slots=True)
class Line:
    """One product sold. `fields` holds all canonical line fields, these included."""

    product: str
    code: str
    family: str
    quantity: float
    price: float
    fields: Fields = field(default_factory=dict)
    id: str = field(default="", compare=False)
    """The CRM's own id; "" where it has none. Lines that were made anew with the same words are equal."""
    place: int = field(default=0, compare=False)
    """Where the line stands in `Deal.given`; without meaning while that is empty."""


@dataclass(frozen=True, slots=True)
class Given:
    """The place that one line of a deal was given for good: its number is its rank among those of the same slug."""

    id: str
    slug: str
    product: str


@dataclass(frozen=True, slots=True)
class Deal:
    """A deal in canonical words. `owner` is an e-mail address or ""; `fields` holds all canonical fields."""

    key: str
    name: str
    account: str
    owner: str
    close_date: date
    amount: float | None
    fields: Fields = field(default_factory=dict)
    lines: tuple[Line, ...] = ()
    given: tuple[Given, ...] = field(default=(), compare=False)
    """A place for every line that the deal ever had; empty before it has a plan."""
