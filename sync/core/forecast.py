"""Forecasts of one onboarding: when it launches, what its hours will come to, and what holds it up.

Called by `closedwon forecast`, by health, reports and notices. Pure: the same dossier, experience and day give the same
forecast, for luck is drawn from a seed that the onboarding's key and the day make. It changes nothing.

P50 is the day by which the launch comes as likely as not, P80 the day by which it comes with four chances in five.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import pairwise
from operator import add

from mappings.calendar import BusinessCalendar
from mappings.hours import SECONDS_PER_HOUR
from mappings.practice import Court, CourtRules
from sync.core.court import Courts, task_court
from sync.core.dice import Dice
from sync.core.dossier import CANCELLED, Dossier, Task
from sync.core.experience import Experience, Network, finished_tasks, known_of, network, planned_days
from sync.core.launch import DRAWS, Run, draw, typical
from sync.core.pace import Finished, enough
from sync.core.spread import Aim

CAUSES = 5
"""How many causes a forecast names."""
P50, P80 = 0, 1


@dataclass(frozen=True, slots=True)
class Link:
    """One open task of the chain that holds the launch up; `ends` is when it typically ends."""

    item: str
    name: str
    ends: date


@dataclass(frozen=True, slots=True)
class Cause:
    """A task of that chain which took, or will typically take, more business days than the plan gave it."""

    item: str
    name: str
    days: int
    court: Court
    open: bool


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is to be expected of one onboarding. `why_not` is "" where there is enough to go by; else nothing is said.

    `in_time` is the chance to meet the target. `lost` are business days by court along the chain that decides the
    launch, both those that are lost and those that will typically be. `tasks` and `launches` were learned from.
    """

    key: str
    target: date | None
    launched: date | None = None
    p50: date | None = None
    p80: date | None = None
    in_time: float | None = None
    critical: tuple[Link, ...] = ()
    causes: tuple[Cause, ...] = ()
    lost: Mapping[Court, int] = field(default_factory=dict)
    hours_p50: float | None = None
    hours_p80: float | None = None
    tasks: int = 0
    launches: int = 0
    why_not: str = ""

    @property
    def enough(self) -> bool:
        """Whether there was enough to go by."""
        return not self.why_not


def forecast(
    known: Dossier,
    experience: Experience,
    today: date,
    calendar: BusinessCalendar,
    *,
    courts: Courts | None = None,
    rules: CourtRules | None = None,
    used_hours: float | None = None,
) -> Forecast:
    """Forecast an onboarding from what is known of it on a day.

    `used_hours` are those that the hours ledger charges so far; where nobody counted, all of the billable tasks are.
    """
    basis = Forecast(known.key, known.target_launch, tasks=experience.tasks, launches=experience.launches)
    if (launched := known.actual_launch) is not None:
        return replace(basis, launched=launched)
    if reason := enough(experience.tasks):
        return replace(basis, why_not=reason)
    if not any(task.open for task in known.tasks):
        return replace(basis, why_not="no open task and no launch: tick the launch milestone, or reopen what is left")
    done = finished_tasks(known, today, calendar)
    plan, mood = network(known, today, calendar, experience), experience.mood(done)
    days = draw(plan.nodes, plan.ending, mood, seed=f"{known.key} {today}")
    spent = billable_hours(known) if used_hours is None else used_hours
    hours = _hours(known, experience, done, spent, today, calendar)
    passage = typical(plan.nodes, mood)
    causes = tuple(_causes(known, plan, passage, calendar, courts or Courts(), rules or CourtRules()))
    return replace(
        basis,
        p50=calendar.add(today, round(_at(days, experience.launch_aims[P50]))),
        p80=calendar.add(today, round(max(_at(days, aim) for aim in experience.launch_aims))),
        in_time=_chance(days, experience.launch_aims, known.target_launch, today, calendar),
        critical=_critical(known, plan, passage, today, calendar),
        causes=tuple(sorted(causes, key=lambda cause: (-cause.days, cause.item))[:CAUSES]),
        lost={court: lost for court in Court if (lost := sum(each.days for each in causes if each.court is court))},
        hours_p50=round(_at(hours, experience.hours_aims[P50]), 2),
        hours_p80=round(max(_at(hours, aim) for aim in experience.hours_aims), 2),
    )


def forecast_launch(known: Dossier, experience: Experience, today: date, calendar: BusinessCalendar) -> date | None:
    """Return the day that the CRM shows as forecast launch, the P50; None where there is not enough to go by."""
    found = forecast(known, experience, today, calendar)
    return found.launched or found.p50


def billable_hours(known: Dossier) -> float:
    """Return the hours logged on billable tasks and on the plan itself."""
    items = {task.item for task in known.tasks}
    seconds = sum(task.tracked_seconds for task in known.tasks if task.billable)
    seconds += sum(each.entry.seconds for each in known.logged if each.item not in items)
    return seconds / SECONDS_PER_HOUR


def _at(draws: Sequence[float], aim: Aim) -> float:
    """Return the draw at an aim's level."""
    return draws[min(int(aim.level * len(draws)), len(draws) - 1)]


def _chance(
    days: Sequence[float], aims: Sequence[Aim], target: date | None, today: date, calendar: BusinessCalendar
) -> float | None:
    """Return the chance to meet the target: its place among the draws, read on the scale that the aims have bent."""
    if target is None:
        return None
    place = bisect_right(days, calendar.between(today, calendar.previous_business_day(target))) / len(days)
    knots = [(0.0, 0.0), (aims[P50].level, 0.5), (max(aims[P80].level, aims[P50].level), 0.8), (1.0, 1.0)]
    for (left, low), (right, high) in pairwise(knots):
        if place <= right:
            return round(low + (high - low) * (place - left) / (right - left) if right > left else high, 3)
    return 1.0


def _hours(
    known: Dossier,
    experience: Experience,
    done: Sequence[Finished],
    spent: float,
    today: date,
    calendar: BusinessCalendar,
) -> list[float]:
    """Return, sorted, what the billable hours come to in each draw; what is spent is in them."""
    mood = experience.effort_mood(done)
    left = [
        (task.estimated_hours, task.tracked_seconds / SECONDS_PER_HOUR, experience.effort(of_task))
        for task in known.tasks
        if task.open
        and task.billable
        and task.estimated_hours > 0
        and (of_task := known_of(known, task, today, calendar))
    ]
    throws = Dice(f"{known.key} {today} hours").throws(DRAWS * len(left))
    shifts = mood.shifts(DRAWS)
    totals = [spent] * DRAWS
    for place, (estimate, tracked, likely) in enumerate(left):
        ratios = likely.draws(throws[place :: len(left)], mood, shifts, beyond=tracked / estimate if tracked else -1.0)
        # What has taken longer than its like ever did is taken to be nearly over.
        more = [max(0.0, (ratio or 0.0) * estimate - tracked) for ratio in ratios]
        totals = [*map(add, totals, more)]
    return sorted(totals)


def _path(plan: Network, passage: Run) -> tuple[str, ...]:
    ending = [item for item in plan.ending if item in passage.ends]
    return passage.path_to(max(ending, key=lambda item: passage.ends[item])) if ending else ()


def _critical(known: Dossier, plan: Network, passage: Run, today: date, calendar: BusinessCalendar) -> tuple[Link, ...]:
    by_item = {task.item: task for task in known.tasks}
    return tuple(
        Link(item, by_item[item].name, calendar.add(today, round(passage.ends[item])))
        for item in _path(plan, passage)
        if by_item[item].open
    )


def _causes(
    known: Dossier, plan: Network, passage: Run, calendar: BusinessCalendar, courts: Courts, rules: CourtRules
) -> Iterator[Cause]:
    by_item = {task.item: task for task in known.tasks}
    for item in _path(plan, passage):
        task = by_item[item]
        if task.status == CANCELLED:
            continue
        over = round(passage.ends[item] - passage.begins[item]) - planned_days(task, calendar)
        if item not in passage.held_by:
            over += _moved(task, calendar)
        for court, days in _by_court(task, over, courts, rules):
            yield Cause(item, task.name, days, court, task.open)


def _moved(task: Task, calendar: BusinessCalendar) -> int:
    """Return by how much people put a task's start off."""
    if task.baseline_start is None or task.start_target is None:
        return 0
    return max(0, calendar.between(task.baseline_start, task.start_target))


def _by_court(task: Task, over: int, courts: Courts, rules: CourtRules) -> Iterator[tuple[Court, int]]:
    """Share the days that a task takes too many: as its clock has them, the rest to whose move it is."""
    clock = courts.clocks.get(task.item)
    for court in Court:
        known = min(over, clock.lost(court)) if clock else 0
        if known > 0:
            yield court, known
            over -= known
    if over > 0:
        now = clock.now if clock else None
        yield now or task_court(task, rules), over
