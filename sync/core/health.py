"""Red, amber or green, by published rules, with the reason in one sentence. Pure.

Called by roll-ups, reports, notices and `closedwon health`. Each rule measures one number of an onboarding and compares
it with two thresholds (`mappings.practice.HealthRules`); the worst colour wins, and its findings are the reason. A
person may override the colour, with a reason and until a day: what was computed is told all the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from enum import StrEnum

from mappings.calendar import BusinessCalendar
from mappings.practice import ABOVE, Court, HealthRules, Threshold
from sync.core.court import Courts
from sync.core.dossier import Dossier
from sync.core.scope import LATE, OVER, UNPLANNED, Flag


class Color(StrEnum):
    """Health, from good to bad."""

    GREEN = "green"
    AMBER = "amber"
    RED = "red"


_RANK = {Color.GREEN: 0, Color.AMBER: 1, Color.RED: 2}


@dataclass(frozen=True, slots=True)
class Outlook:
    """What other modules found out about an onboarding; None where they do not know.

    Hours are hours. `launch_p50` and `launch_p80` are days by which it launches with these odds.
    """

    contracted_hours: float | None = None
    used_hours: float = 0.0
    hours_p50: float | None = None
    launch_p50: date | None = None
    launch_p80: date | None = None
    scope: tuple[Flag, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule's verdict; `text` names the number in words."""

    rule: str
    color: Color
    text: str


@dataclass(frozen=True, slots=True)
class Override:
    """A person's word for the colour, which holds up to and including a day."""

    color: Color
    reason: str
    until: date
    by: str


@dataclass(frozen=True, slots=True)
class Health:
    """The colour that is shown, why, and what was computed (the same unless a person said otherwise)."""

    color: Color
    reason: str
    computed: Color
    findings: tuple[Finding, ...]
    override: Override | None = None


def health(
    known: Dossier,
    outlook: Outlook,
    *,
    courts: Courts,
    rules: HealthRules,
    calendar: BusinessCalendar,
    today: date,
    override: Override | None = None,
) -> Health:
    """Judge one onboarding on a day. A launched or empty one is green: nothing can be late any more."""
    findings = tuple(_findings(known, outlook, courts, rules, calendar, today))
    computed = max((each.color for each in findings), key=_RANK.__getitem__, default=Color.GREEN)
    reason = "; ".join(each.text for each in findings if each.color is computed) or "Nothing is late or short."
    reason = reason[:1].upper() + reason[1:]
    if override is None or override.until < today:
        return Health(computed, reason, computed, findings)
    told = f"{override.reason} (set by {override.by} until {override.until}; computed: {computed}: {reason})"
    return Health(override.color, told, computed, findings, override)


def _findings(
    known: Dossier, outlook: Outlook, courts: Courts, rules: HealthRules, calendar: BusinessCalendar, today: date
) -> Iterator[Finding]:
    measured = {**_hours(outlook), **_tidiness(known, outlook)}
    if not known.launched and any(task.open for task in known.tasks):
        measured |= {**_launch(known, outlook, calendar, today), **_tasks(known, courts, calendar, today)}
    for rule in fields(rules):
        number, text = measured.get(rule.name, (None, ""))
        color = None if number is None else _color(getattr(rules, rule.name), number, over=rule.name in ABOVE)
        if color is not None:
            yield Finding(rule.name, color, text)


def _color(threshold: Threshold, number: float, *, over: bool) -> Color | None:
    red, amber = threshold.red, threshold.amber
    if red is not None and (number > red if over else number >= red):
        return Color.RED
    return Color.AMBER if amber is not None and number >= amber else None


_Measured = Mapping[str, tuple[float | None, str]]
"""A number and the words that tell it, by rule."""


def _launch(known: Dossier, outlook: Outlook, calendar: BusinessCalendar, today: date) -> _Measured:
    target = known.target_launch
    if target is None:
        return {}
    late = calendar.between(target, today)
    measured = {"days_late": (late, f"the target launch of {target} passed {_days(late)} ago")}
    if outlook.launch_p50:
        days = calendar.between(target, outlook.launch_p50)
        text = f"forecast launch {outlook.launch_p50} is {_days(days)} after the target of {target}"
        measured["days_forecast_late"] = (days, text)
    if outlook.launch_p80:
        days = calendar.between(target, outlook.launch_p80)
        text = f"one launch in five like this comes after {outlook.launch_p80}, {_days(days)} behind the target"
        measured["days_forecast_late_p80"] = (days, text)
    return measured


def _hours(outlook: Outlook) -> _Measured:
    contracted = outlook.contracted_hours
    if not contracted:
        return {}
    used = outlook.used_hours / contracted
    measured = {
        "hours_used": (used, f"{outlook.used_hours:g} of {contracted:g} contracted hours are used ({used:.0%})")
    }
    if outlook.hours_p50 is not None:
        share = outlook.hours_p50 / contracted
        text = f"{outlook.hours_p50:g} hours are forecast at completion, {share:.0%} of the {contracted:g} contracted"
        measured["hours_at_completion"] = (share, text)
    return measured


def _tasks(known: Dossier, courts: Courts, calendar: BusinessCalendar, today: date) -> _Measured:
    open_ = [task for task in known.tasks if task.open]
    late = {task.item: (days, task) for task in open_ if (days := task.days_overdue(calendar, today)) is not None}
    share = len(late) / len(open_)
    measured = {"overdue_share": (share, f"{len(late)} of {len(open_)} open tasks are overdue")}
    critical = max(((days, task.name) for days, task in late.values() if task.critical), default=None)
    if critical:
        measured["critical_days_overdue"] = (critical[0], f"critical: {critical[1]} is {_days(critical[0])} overdue")
    waiting = max(
        (
            (clock.lost(Court.CUSTOMER), task.name)
            for task in open_
            if (clock := courts.clocks.get(task.item)) and clock.now is Court.CUSTOMER
        ),
        default=None,
    )
    if waiting:
        measured["customer_days_silent"] = (waiting[0], _lost(*waiting))
    return measured


def _lost(days: int, name: str) -> str:
    """Say what was lost, which is not by how much the task is overdue: the customer may have got it late."""
    return f"{_days(days)} {'is' if days == 1 else 'are'} lost in the customer's court: {name}"


def _tidiness(known: Dossier, outlook: Outlook) -> _Measured:
    held = len(known.held)
    return {
        "scope_flags": (len(outlook.scope), _scope(outlook.scope)),
        "records_held": (held, f"{held} {'record is' if held == 1 else 'records are'} held back"),
    }


def _scope(flags: Sequence[Flag]) -> str:
    """Say what differs between sold and planned; which product it is, and what to do, says `closedwon scope`."""
    counts = Counter(flag.code for flag in flags)
    idle = counts[UNPLANNED]
    words = {
        UNPLANNED: f"{idle} {'product that was sold is' if idle == 1 else 'products that were sold are'} not planned",
        OVER: "more hours are planned than contracted",
        LATE: "the target launch lies beyond the limit",
    }
    return ", ".join(text for code, text in words.items() if counts[code])


def _days(count: float) -> str:
    return f"{count:g} business day{'' if count == 1 else 's'}"
