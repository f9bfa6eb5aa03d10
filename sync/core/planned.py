"""What planning takes and gives: what was observed of an onboarding, what it needs, and the writes that bring it about.

Made by `sync.engine` and `sync.core.plan`, read by all that shows, guards, stores or applies plans. Only shapes:
nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TypeAlias

from connectors.base import Fields, Record, Ref, Write
from mappings.model import Deal, HeldBack, MappingSet
from mappings.templates import Template
from sync.core.amend import Diff
from sync.core.merge import View
from sync.core.model import Binding, Event, Onboarding, Quarantine
from sync.core.twins import Kin

Pinned: TypeAlias = Callable[[str, str], Template | None]
"""Gives the template of a name and version as it was when plans were made from it; None when it is kept nowhere."""

Rules: TypeAlias = Callable[[str], Mapping[str, str] | None]
"""Gives the rules that remembered deals were read by: a fingerprint by field; None when they are kept nowhere."""


@dataclass(frozen=True, slots=True)
class Context:
    """What is the same for all onboardings of a run. `crm` and `homes` are connection names."""

    mappings: MappingSet
    templates: tuple[Template, ...]
    crm: str
    homes: tuple[str, ...]
    view: View
    today: date
    pinned: Pinned = lambda _name, _version: None
    rules: Rules = lambda _digest: None
    unplanned: dict[bytes, tuple[str, ...]] = field(default_factory=dict)
    """What was found sold and not planned, by what it follows from: `sync.core.scope` keeps it from look to look."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided about one onboarding's diff: parts by their ids, or the template's newer version."""

    by: str = ""
    reason: str = ""
    applied: frozenset[str] = frozenset()
    left: frozenset[str] = frozenset()
    upgrade: str = ""
    """The version to go to; "" when no newer template is meant."""
    own: bool = False
    """A new deal that looks like another one is one of its own."""
    belongs: bool = False
    """It is not: it gets no plan."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was observed of one onboarding.

    `deal` is None when the CRM did not show it as won; `problem` tells why a shown deal cannot be used. `replicas`
    holds per connection the record of each bound item that the vendor showed, or one with its write key in its place.
    `planless` names the connections which no longer show the plan itself, and `doubles` the records that carry a bound
    item's write key beside the one in use. `unasked` tells that the CRM could not be asked: then an onboarding that has
    its plan goes on by what is remembered, and what was held back about its deal stays.
    """

    key: str
    onboarding: Onboarding
    deal: Deal | None
    replicas: Mapping[str, Mapping[str, Record]]
    problem: HeldBack | None = None
    planless: frozenset[str] = frozenset()
    doubles: Mapping[tuple[str, str], tuple[Ref, ...]] = field(default_factory=dict)
    """By connection and item."""
    unasked: bool = False
    decision: Decision = field(default_factory=Decision)
    holders: Mapping[str, Fields] = field(default_factory=dict)
    """What the plan's own record shows, by connection; a plan that shares its record with others has none."""
    kin: tuple[Kin, ...] = ()
    """Of a deal that has no plan yet: the onboardings of its account."""


@dataclass(frozen=True, slots=True)
class Step:
    """One write and its reason. A TASK's Create gets its plan's Ref when that is known.

    `over` holds what the record showed in the fields of an Update.
    """

    key: str
    item: str
    connection: str
    write: Write
    reason: str
    over: Fields = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that one onboarding needs now; `base` is what its sides say once every step has succeeded."""

    key: str
    title: str = ""
    template: str = ""
    template_version: str = ""
    deal: Fields = field(default_factory=dict)
    base: Mapping[str, Fields] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()
    owed: tuple[Step, ...] = ()
    """Updates that the vendor refused before and that are not sent again: the base waits for them."""
    unconfirmed: frozenset[tuple[str, str]] = frozenset()
    """Items with their fields which some side cannot confirm now (gone, or held back there): the base waits."""
    found_again: tuple[Binding, ...] = ()
    missing: tuple[Binding, ...] = ()
    events: tuple[Event, ...] = ()
    quarantine: tuple[Quarantine, ...] = ()
    amended: frozenset[tuple[str, str]] = frozenset()
    """Items with their fields which an amendment changes: the deal is remembered once these are confirmed."""
    diff: Diff = field(default_factory=Diff)
    """What the changed deal, or the newer template, means for the plan; empty for nearly every look."""


def write_key(key: str, item: str) -> str:
    """Return our identity of one item, as stored in every vendor's record."""
    return f"{key}:{item}"


def place_of(key: str) -> tuple[str, str]:
    """Return the onboarding and the item that a write key names; the item is "" in a text of somebody else's."""
    onboarding, _, item = key.partition(":")
    return onboarding, item
