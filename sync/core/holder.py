"""What an amended plan's own record (the epic, the sheet) gets of the plan's new title and launch. Pure.

Called by `sync.core.plan` where an amendment or an upgrade moved values of the plan itself. Three-way like a task's
fields: what we said before, what we say now, what the record shows. Nobody's word there becomes the plan's; but what
people made of a name or a day is not written over, and what was not applied is told. It asks for nothing itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from connectors.base import Fields, Value
from mappings.model import ENGINE, FieldRule, ObjectMapping
from mappings.translate import to_native
from sync.core.merge import View, as_shown


@dataclass(frozen=True, slots=True)
class Disputed:
    """A field of the record that people changed and that the plan now says otherwise; native values."""

    rule: str
    theirs: Value
    ours: Value
    ours_wins: bool


@dataclass(frozen=True, slots=True)
class Following:
    """The native fields to write, and what people had changed of them."""

    fields: Mapping[str, Value]
    disputed: tuple[Disputed, ...] = ()


def follow(
    mapping: ObjectMapping, connection: str, *, before: Fields, now: Fields, shown: Fields, view: View
) -> Following:
    """Return what a plan's record needs; `shown` is what it shows, a field that is absent there counts as untouched."""
    old, new = (as_shown(mapping, connection, values, view) for values in (before, now))
    rules = {lens.field: rule for rule, lenses in mapping.by_connection.get(connection, ()) for lens in lenses}
    fields: dict[str, Value] = {}
    disputed = []
    for name, native in to_native(mapping, connection, now).items():
        theirs = shown.get(name, old.get(name))
        if new.get(name) in (old.get(name), theirs):
            continue
        touched, ours_wins = theirs != old.get(name), _is_ours(rules[name])
        if touched:
            disputed.append(Disputed(rules[name].name, theirs, new.get(name), ours_wins))
        if ours_wins or not touched:
            fields[name] = native
    return Following(fields, tuple(disputed))


def _is_ours(rule: FieldRule) -> bool:
    """Tell whether the mapping lets our value win: `engine` first in the authority of a field that is read as well.

    `direction: from engine only` does not say it: that only tells where a value comes from.
    """
    return rule.authority[:1] == (ENGINE,) and any(lens.reads for lens in rule.lenses)
