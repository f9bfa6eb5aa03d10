"""Whether a plan is what was sold: sold lines, planned tasks, hours and dates held against each other. Pure.

Called by `closedwon scope`, by health and by reports. What a line causes is asked of the template itself: a plan made
without a product that is the same plan had nothing in it for that product. So no second list of what covers what can
disagree with the template.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date

from connectors.base import Value
from mappings.calendar import BusinessCalendar
from mappings.model import Deal, HeldBack, Line
from mappings.templates import PlanSpec
from sync.core.dossier import Dossier, Task

Making = Callable[[Deal], PlanSpec]
"""Makes the plan of a deal by its template, on its calendar, from its kickoff."""


@dataclass(frozen=True, slots=True)
class Flag:
    """One difference between what was sold and what is planned; `text` ends with what to do."""

    code: str
    text: str
    item: str = ""


@dataclass(frozen=True, slots=True)
class ScopeRules:
    """What is expected of a plan beyond its template.

    `included` are families of products that cause no task of their own, since every plan of their template serves them.
    `launch_days` is the most calendar days from close to launch, None for no limit. `handoff` are the deal fields that
    sales has to fill, with what they are called where they are entered.
    """

    included: frozenset[str] = frozenset()
    launch_days: int | None = None
    handoff: Mapping[str, str] | None = None


def check(
    known: Dossier, deal: Deal, making: Making, *, rules: ScopeRules, calendar: BusinessCalendar
) -> tuple[Flag, ...]:
    """Return all differences of one onboarding, in the order of the codes below. A deal no template fits has none."""
    try:
        spec = making(deal)
        idle = unplanned(deal, making, rules.included)
    except HeldBack:
        return ()
    return (
        *(_unplanned(product) for product in idle),
        *(_unsold(task) for task in unsold(known, spec)),
        *_hours(known),
        *_launch(known, deal, rules, calendar),
        *_handoff(deal, rules),
    )


def unplanned(deal: Deal, making: Making, included: Collection[str]) -> tuple[str, ...]:
    """Name the products sold for which nothing is in the plan: neither a task nor an hour."""
    whole = _substance(making(deal))
    found = []
    for product in dict.fromkeys(line.product for line in deal.lines):
        lines = [line for line in deal.lines if line.product == product]
        if all(line.family in included for line in lines) or not any(line.quantity for line in lines):
            continue
        rest = tuple(line for line in deal.lines if line.product != product)
        if _same_without(deal, rest, making, whole):
            found.append(product)
    return tuple(found)


def unsold(known: Dossier, spec: PlanSpec) -> tuple[Task, ...]:
    """Return the open tasks of a plan that what was sold would not put there."""
    sold = {task.key for task in spec.tasks}
    return tuple(task for task in known.tasks if task.open and task.item not in sold)


def missing_handoff(deal_fields: Mapping[str, Value], required: Collection[str]) -> tuple[str, ...]:
    """Name the required fields of a deal that are empty; a no or a zero is filled in."""
    return tuple(name for name in required if deal_fields.get(name) in (None, "", ()))


def _same_without(deal: Deal, rest: tuple[Line, ...], making: Making, whole: object) -> bool:
    try:
        return _substance(making(replace(deal, lines=rest))) == whole
    except HeldBack:
        return False  # without it there would be no plan at all


def _substance(spec: PlanSpec) -> object:
    """Return what a line can cause: tasks with their work, and contracted hours; names and texts list all lines."""
    return {task.key: task.estimated_hours for task in spec.tasks}, spec.contracted_hours


def _unplanned(product: str) -> Flag:
    text = (
        f"{product} was sold, and nothing in the plan is there for it: add a group for it to the template, or list its "
        "family under `included`."
    )
    return Flag("SCOPE-UNPLANNED-01", text)


def _unsold(task: Task) -> Flag:
    text = f"{task.name} is planned, and nothing that was sold asks for it: cancel it, or have it sold."
    return Flag("SCOPE-UNSOLD-01", text, task.item)


def _hours(known: Dossier) -> Iterator[Flag]:
    contracted = known.plan.get("contracted_hours")
    estimated = sum(task.estimated_hours for task in known.tasks if task.status != "cancelled")
    if isinstance(contracted, int | float) and estimated > contracted:
        text = (
            f"The tasks are estimated at {estimated:g} hours, and {float(contracted):g} are contracted: sell more, or "
            "plan less."
        )
        yield Flag("SCOPE-HOURS-01", text)


def _launch(known: Dossier, deal: Deal, rules: ScopeRules, calendar: BusinessCalendar) -> Iterator[Flag]:
    target: date | None = known.target_launch
    if target is None or rules.launch_days is None or known.actual_launch is not None:
        return
    days = (target - deal.close_date).days
    if days > rules.launch_days:
        over = calendar.between(deal.close_date, target)
        text = (
            f"The target launch of {target} is {days} days ({over} of business) after the deal was won on "
            f"{deal.close_date}; the limit is {rules.launch_days}: agree on an earlier launch, or on a later limit."
        )
        yield Flag("SCOPE-LAUNCH-01", text)


def _handoff(deal: Deal, rules: ScopeRules) -> Iterator[Flag]:
    required = rules.handoff or {}
    for name in missing_handoff(deal.fields, required):
        text = f"Sales left {required[name]} empty on the deal: have it filled in before the kickoff."
        yield Flag("SCOPE-HANDOFF-01", text, name)
