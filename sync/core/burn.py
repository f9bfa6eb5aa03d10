"""How fast contracted hours are used, what they will come to, and when they will be used up.

Called by `closedwon hours` and reports. Pure and without chance: the same ledger, tasks and day give the same answer.

Exhaustion is read off the burn of the last weeks. Weeks differ, so what `n` weeks will burn is taken as `n` times the
mean, spread by the square root of `n` times the weeks' standard deviation: by the P50 day the hours are used up as
likely as not, by the P80 day with four chances in five. Work that ends before lasts: then there is no such day.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from mappings.hours import SECONDS_PER_HOUR, Terms
from sync.core.allotment import balance_of
from sync.core.dossier import DONE, Task
from sync.core.hours import Bucket, Ledger

BURN_WEEKS = 4
"""The burn shown is that of so many weeks, or of fewer where the work began later."""

LOOK_BACK = 12
FEWEST_WEEKS = 3
"""With fewer weeks since the first counted entry no exhaustion is projected."""

HORIZON_WEEKS = 156
PRIOR_HOURS = 8.0
"""Weight of the belief that estimates hold, in hours, before finished tasks have shown what they are worth."""

_WEEK = timedelta(weeks=1)
_P80 = 0.8416212335729143
"""The normal distribution's quantile at 0.8."""


@dataclass(frozen=True, slots=True)
class Burn:
    """Charged hours a week, over how many weeks."""

    hours_per_week: float
    weeks: int


@dataclass(frozen=True, slots=True)
class Exhaustion:
    """The days by which the contracted hours are used up; None: not before the work ends, or see `why`."""

    p50: date | None = None
    p80: date | None = None
    why: str = ""


def weekly(ledger: Ledger, today: date, weeks: int = LOOK_BACK) -> tuple[int, ...]:
    """Return charged seconds by week of seven days that ends today, oldest first, from the first charged entry on."""
    days = [(placed.day, placed.charged) for placed in ledger.entries if placed.charged and placed.day <= today]
    if not days:
        return ()
    since = (today - min(days)[0]).days // 7 + 1
    sums = [0] * min(since, weeks)
    for day, charged in days:
        week = (today - day).days // 7
        if week < len(sums):
            sums[-1 - week] += charged
    return tuple(sums)


def burn(ledger: Ledger, today: date) -> Burn:
    """Return the present burn."""
    weeks = weekly(ledger, today, BURN_WEEKS)
    return Burn(sum(weeks) / SECONDS_PER_HOUR / len(weeks) if weeks else 0.0, len(weeks))


def seconds_at_completion(tasks: Sequence[Task], ledger: Ledger) -> int:
    """Return what will have been charged once all is done: what is, and for each open task what its estimate leaves.

    Estimates are corrected by what finished tasks took against theirs, and weighed as the time so far was. Only time
    that counts is held against an estimate: what is rejected or not billable has used nothing up.
    """
    counted = {item: sums[Bucket.COUNTED] for item, sums in ledger.sums(lambda placed: placed.logged.item).items()}
    finished = [task for task in tasks if task.status == DONE and task.estimated_hours > 0]
    took = sum(counted.get(task.item, 0) for task in finished) / SECONDS_PER_HOUR
    ratio = (took + PRIOR_HOURS) / (sum(task.estimated_hours for task in finished) + PRIOR_HOURS)
    weight = ledger.charged / ledger.counted if ledger.counted else 1.0
    left = 0.0
    for task in tasks:
        if task.open and task.billable:
            left += max(task.estimated_hours * SECONDS_PER_HOUR * ratio - counted.get(task.item, 0), 0.0)
    return ledger.charged + round(left * weight)


def exhaustion(ledger: Ledger, terms: Terms, *, at_completion: int | None, today: date) -> Exhaustion:
    """Project when the contracted hours will be used up; `at_completion` None: the work has no known end."""
    if terms.hours is None:
        return Exhaustion(why="no contracted hours are known")
    spent = sorted(_by_day(ledger).items())
    now = balance_of(spent, terms, today)
    if now.remaining is not None and now.remaining <= 0 and ledger.charged:
        return Exhaustion(today, today, "they are used up")
    weeks = weekly(ledger, today)
    if len(weeks) < FEWEST_WEEKS or not sum(weeks):
        return Exhaustion(why=f"not enough data ({len(weeks)} weeks with time; {FEWEST_WEEKS} needed)")
    mean, spread = statistics.fmean(weeks), statistics.pstdev(weeks)
    end = math.inf if at_completion is None else at_completion - ledger.charged
    p50, p80 = (
        _used_up(spent, terms, today, burned=_Curve(mean, quantile * spread), end=end) for quantile in (0.0, _P80)
    )
    return Exhaustion(p50, p80, "" if p50 or p80 else "they last until the work ends")


def _by_day(ledger: Ledger) -> dict[date, int]:
    days: dict[date, int] = {}
    for placed in ledger.entries:
        if placed.charged:
            days[placed.day] = days.get(placed.day, 0) + placed.charged
    return days


@dataclass(frozen=True, slots=True)
class _Curve:
    """Seconds burned after so many weeks: the mean, less what luck may spare."""

    mean: float
    slack: float

    def after(self, weeks: float) -> float:
        return max(self.mean * weeks - self.slack * math.sqrt(weeks), 0.0)


def _used_up(spent: list[tuple[date, int]], terms: Terms, today: date, *, burned: _Curve, end: float) -> date | None:
    """Walk on week by week until nothing remains, then find the day within that week."""
    ahead: list[tuple[date, int]] = []
    total = 0
    for week in range(1, HORIZON_WEEKS + 1):
        day = today + week * _WEEK
        more = min(round(burned.after(week)), end)
        before = balance_of([*spent, *ahead], terms, day).remaining or 0
        step = max(int(more) - total, 0)
        if step and before <= step:
            return day - _WEEK + timedelta(days=max(1, math.ceil(7 * max(before, 0) / step)))
        if more >= end:
            return None
        ahead.append((day, step))
        total += step
    return None
