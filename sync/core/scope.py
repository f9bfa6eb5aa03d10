"""Whether a plan is what was sold: sold lines, planned tasks, hours and dates held against each other. Pure.

Called by `closedwon scope`, `closedwon plan` and, for health, by `sync.core.judgement`; `sync.core.plan` asks the
handoff gate. What a line causes is asked of the template itself: a plan made without a product that is the same plan
had nothing in it for that product. So no second list of what covers what can disagree with the template.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date

import orjson

from connectors.base import Value
from mappings.calendar import BusinessCalendar
from mappings.model import Deal, HeldBack, Line
from mappings.scope import ScopeRules
from mappings.templates import Substance, choose, kickoff_of, substance
from sync.core.dossier import Dossier, Task
from sync.core.planned import Context
from sync.core.sold import recalled

UNPLANNED, OVER, LATE = "SCOPE-UNPLANNED-01", "SCOPE-HOURS-01", "SCOPE-LAUNCH-01"
"""The differences that health speaks of."""

KEPT = 20_000
"""How many onboardings' answers are kept: some two megabytes of them."""

Making = Callable[[Deal], Substance]
"""Says what the plan of a deal consists of, by its template, on its calendar, from its kickoff."""


@dataclass(frozen=True, slots=True)
class Flag:
    """One difference between what was sold and what is planned; `text` ends with what to do."""

    code: str
    text: str
    item: str = ""


def check(
    known: Dossier,
    deal: Deal,
    making: Making,
    *,
    rules: ScopeRules,
    calendar: BusinessCalendar,
    added: Collection[str] = (),
) -> tuple[Flag, ...]:
    """Return all differences of one onboarding, in the order of the codes below.

    `added` are items that people added themselves: nobody sold them, and nobody has to. Where no plan can be made of
    the deal any more, lines and tasks are not compared; what is held back says why.
    """
    try:
        whole = making(deal)
        idle = unplanned(deal, making, rules.included)
    except HeldBack:
        sold: tuple[Flag, ...] = ()
    else:
        extra = (task for task in unsold(known, whole) if task.item not in added)
        sold = (*map(_unplanned, idle), *map(_unsold, extra))
    return (*sold, *_hours(known), *_launch(known, deal, rules, calendar), *_handoff(deal, rules))


def check_known(known: Dossier, context: Context, *, added: Collection[str] = ()) -> tuple[Flag, ...] | None:
    """Check an onboarding by what is remembered of it; None where its lines are not remembered yet."""
    deal = recalled(known.key, known.deal)
    if deal is None:
        return None
    rules, calendar = context.mappings.scope, context.mappings.calendar
    return check(known, deal, _making(known, context), rules=rules, calendar=calendar, added=added)


def telling(known: Dossier, context: Context) -> tuple[Flag, ...]:
    """Return what health speaks of: sold and not planned, hours, launch; by what is remembered, () once launched.

    What people planned beside what was sold, and what sales left empty, is no reason for a colour.
    """
    deal = None if known.launched else recalled(known.key, known.deal)
    if deal is None:
        return ()
    rules, calendar = context.mappings.scope, context.mappings.calendar
    kept = context.unplanned
    mark = _mark(known)
    if mark not in kept:
        if len(kept) >= KEPT:
            kept.clear()
        try:
            kept[mark] = unplanned(deal, _making(known, context), rules.included)
        except HeldBack:
            kept[mark] = ()
    return (*map(_unplanned, kept[mark]), *_hours(known), *_launch(known, deal, rules, calendar))


def _mark(known: Dossier) -> bytes:
    """Return what tells one question for what is unplanned from another: all of its parts that are not the run's."""
    asked = [known.template, known.template_version, known.kickoff, known.deal]
    return hashlib.blake2b(orjson.dumps(asked, default=str), digest_size=16).digest()


def _making(known: Dossier, context: Context) -> Making:
    """Return what makes the plan of a deal as this onboarding's was made."""
    mappings = context.mappings

    def making(sold: Deal) -> Substance:
        template = context.pinned(known.template, known.template_version) or choose(context.templates, sold)
        kickoff = known.kickoff or kickoff_of(template, sold, mappings.calendar)
        return substance(template, sold, mappings.calendar, kickoff=kickoff)

    return making


def barred(deal: Deal, rules: ScopeRules) -> str:
    """Return why no plan is made of a deal yet: what sales has not handed over; "" where nothing bars it."""
    missing = missing_handoff(deal.fields, rules.handoff) if rules.gate else ()
    if not missing:
        return ""
    return (
        f"Sales has not handed this deal over: {' and '.join(rules.handoff[name] for name in missing)} "
        f"{'are' if len(missing) > 1 else 'is'} empty on it. Fill in there what is missing; the plan is then made by "
        "itself."
    )


def unplanned(deal: Deal, making: Making, included: Collection[str]) -> tuple[str, ...]:
    """Name the products sold for which nothing is in the plan: neither a task nor an hour."""
    whole: Substance | None = None  # made once something is to be held against it: it costs the most
    found = []
    for product in dict.fromkeys(line.product for line in deal.lines):
        lines = [line for line in deal.lines if line.product == product]
        if all(line.family in included for line in lines) or not any(line.quantity for line in lines):
            continue
        whole = whole or making(deal)
        rest = tuple(line for line in deal.lines if line.product != product)
        if _same_without(deal, rest, making, whole):
            found.append(product)
    return tuple(found)


def unsold(known: Dossier, whole: Substance) -> tuple[Task, ...]:
    """Return the open tasks of a plan that what was sold would not put there."""
    return tuple(task for task in known.tasks if task.open and task.item not in whole.hours)


def missing_handoff(deal_fields: Mapping[str, Value], required: Collection[str]) -> tuple[str, ...]:
    """Name the required fields of a deal that are empty; a no or a zero is filled in."""
    return tuple(name for name in required if deal_fields.get(name) in (None, "", ()))


def _same_without(deal: Deal, rest: tuple[Line, ...], making: Making, whole: Substance) -> bool:
    try:
        return making(replace(deal, lines=rest)) == whole
    except HeldBack:
        return False  # without it there would be no plan at all


def _unplanned(product: str) -> Flag:
    text = (
        f"{product} was sold, and nothing in the plan is there for it: add a group for it to the template, or list its "
        "family under `included`."
    )
    return Flag(UNPLANNED, text)


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
        yield Flag(OVER, text)


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
        yield Flag(LATE, text)


def _handoff(deal: Deal, rules: ScopeRules) -> Iterator[Flag]:
    for name in missing_handoff(deal.fields, rules.handoff):
        text = f"Sales left {rules.handoff[name]} empty on the deal: have it filled in before the kickoff."
        yield Flag("SCOPE-HANDOFF-01", text, name)
