"""The mapping file's sections `scope` and `deals.handoff`: what a plan has to be beside its template, what sales owes.

The models are part of `mappings.document`; `mappings.load` has them linked into the rules that `sync.core.scope` holds
plans against. Every mistake is reported at its place; nothing is raised.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from mappings.reading import Source, suggest
from mappings.strict import Strict

if TYPE_CHECKING:
    from mappings.model import ObjectMapping


@dataclass(frozen=True, slots=True)
class ScopeRules:
    """What is expected of a plan beyond its template.

    `included` are families of products that cause no task of their own, since every plan of their template serves them.
    `launch_days` is the most calendar days from close to launch, None for no limit. `handoff` are the deal fields that
    sales has to fill, with what they are called where they are entered; with `gate` no plan is made before.
    """

    included: frozenset[str] = frozenset()
    launch_days: int | None = None
    handoff: Mapping[str, str] = field(default_factory=dict)
    gate: bool = False


class ScopeDoc(Strict):
    """What a plan is held against beside its template; see docs/scope.md."""

    included: list[Annotated[str, Field(min_length=1)]] = Field(
        default_factory=list, description="Product families that need no task of their own."
    )
    launch_days: Annotated[int, Field(ge=1, le=2000)] | None = Field(
        default=None, description="The most calendar days from close date to launch."
    )


class HandoffDoc(Strict):
    """What sales has to hand over before work begins."""

    required: list[str] = Field(default_factory=list, description="Deal fields that must not be empty.")
    gate: Literal["hold", "warn"] = Field(
        default="hold", description="hold: no plan is made before they are filled; warn: `closedwon scope` tells."
    )


def scope_rules(source: Source, scope: ScopeDoc, handoff: HandoffDoc, deal: ObjectMapping) -> ScopeRules:
    """Return the rules; a field that deals do not have is reported."""
    known = {rule.name: rule.lenses[0].field for rule in deal.rules if rule.lenses}
    for number, name in enumerate(handoff.required):
        if name not in known:
            place = ("deals", "handoff", "required", number)
            source.report(place, f"deals have no field {name!r}", suggest(name, known))
    return ScopeRules(
        included=frozenset(scope.included),
        launch_days=scope.launch_days,
        handoff={name: known[name] for name in handoff.required if name in known},
        gate=handoff.gate == "hold",
    )
