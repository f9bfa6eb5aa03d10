"""Lives of onboardings made by hand, for tests of forecasts: tasks in a network, people of different pace.

The truth behind them is known here and told to nobody: each customer has a mood, each task its own luck.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from connectors.base import TimeEntry
from mappings.calendar import BusinessCalendar
from sync.core.dossier import DONE, Dossier, Logged, Task
from sync.core.model import Event

CALENDAR = BusinessCalendar()
BEGIN = date(2026, 1, 5)


@dataclass(frozen=True)
class Part:
    """A task of the life's only template."""

    item: str
    days: int
    hours: float
    after: tuple[str, ...] = ()
    audience: str = "internal"
    milestone: bool = False


PARTS = (
    Part("handoff", 1, 1),
    Part("review", 2, 3, ("handoff",)),
    Part("tenant", 1, 2, ("handoff",)),
    Part("people", 3, 0, (), "customer"),
    Part("kickoff", 1, 3, ("review", "people")),
    Part("goals", 3, 3, ("kickoff",)),
    Part("access", 5, 0, ("kickoff",), "customer"),
    Part("configure", 8, 20, ("goals", "tenant")),
    Part("export", 5, 0, ("access",), "customer"),
    Part("import", 4, 12, ("export", "configure")),
    Part("connect", 6, 16, ("access",)),
    Part("check", 3, 4, ("import", "connect"), "customer"),
    Part("train", 4, 8, ("configure",)),
    Part("accept", 3, 0, ("check", "train"), "customer"),
    Part("launch", 0, 0, ("accept",), milestone=True),
    Part("aftercare", 5, 4, ("launch",)),
)


def life(
    number: int = 100,
    *,
    seed: int = 1,
    every: float = 4.0,
    mood: float = 0.25,
    luck: float = 0.45,
    begin: date = BEGIN,
) -> tuple[Dossier, ...]:
    """Onboardings that all have launched, one beginning every so many days."""
    dice = random.Random(seed)
    return tuple(
        one(f"006{place:015}", begin + timedelta(days=int(place * every)), dice, mood=mood, luck=luck)
        for place in range(number)
    )


def one(key: str, begin: date, dice: random.Random, *, mood: float, luck: float) -> Dossier:
    """One onboarding with all that happened to it."""
    kickoff = CALENDAR.next_business_day(begin)
    slow, costly = math.exp(dice.gauss(0, mood)), math.exp(dice.gauss(0, mood / 2))
    planned: dict[str, tuple[date, date]] = {}
    done: dict[str, date] = {}
    tasks, logged, told = [], [], []
    for part in PARTS:
        planned[part.item] = _span(part, kickoff, {item: due for item, (_, due) in planned.items()})
        begins = max([kickoff, *(done[item] for item in part.after)])
        late = 1.6 if part.audience == "customer" else 1.0
        taken = 0 if part.milestone else round(part.days * slow * late * math.exp(dice.gauss(0, luck)))
        done[part.item] = CALENDAR.add(begins, max(0, taken))
        seconds = round(3600 * part.hours * costly * math.exp(dice.gauss(0, 0.3)))
        tasks.append(_task(part, planned[part.item], done[part.item], seconds))
        if seconds:
            entry = TimeEntry(f"{key}{part.item}", part.item, "ada", seconds, at(done[part.item]), at(done[part.item]))
            logged.append(Logged("tracker", entry, key, part.item))
        told.append(
            (at(done[part.item]), Event(key, part.item, "status", "'not_started'", "'done'", "tracker", "changed"))
        )
    plan = {"kickoff": kickoff, "launch_item": "launch", "target_launch": planned["launch"][1], "title": f"Deal {key}"}
    history = tuple(sorted(told, key=lambda each: each[0]))
    return Dossier(key, f"Deal {key}", "Acme", "saas", "1", {}, plan, tuple(tasks), tuple(logged), history, (), {}, {})


def at(day: date) -> datetime:
    return datetime.combine(day, time(15), UTC)


def _span(part: Part, kickoff: date, dues: dict[str, date]) -> tuple[date, date]:
    gap = 0 if part.milestone else 1
    start = max([kickoff, *(CALENDAR.add(dues[item], gap) for item in part.after)])
    return start, start if part.milestone else CALENDAR.add(start, part.days - 1)


def _task(part: Part, planned: tuple[date, date], done: date, seconds: int) -> Task:
    start, due = planned
    return Task(
        item=part.item,
        name=part.item.capitalize(),
        phase="Build",
        status=DONE,
        audience=part.audience,
        owner="",
        role="",
        milestone=part.milestone,
        critical=False,
        start_target=start,
        due_target=due,
        baseline_start=start,
        baseline_due=due,
        estimated_hours=float(part.hours),
        tracked_seconds=seconds,
        depends_on=part.after,
        done_on=done,
    )


def lines(tasks: int, *, seed: int = 3) -> Iterator[str]:
    """A firm's own history as CSV: hours in lumps, days in lumps, drift halfway, and dirt."""
    dice = random.Random(seed)
    yield "task,summary,project,subcategory,status,hours_estimated,hours_actual_task,developer,hours_actual_developer,estimated_on,started_on,completed_on"
    day = date(2005, 1, 3)
    pace = {"58": 1.3, "24": 0.5, "13": 0.9, "7": 2.0}
    for number in range(tasks):
        day += timedelta(days=dice.choice((0, 0, 1, 1, 2)))
        who = dice.choice(sorted(pace))
        estimate = dice.choice((0.5, 1, 2, 3.5, 7, 14, 35))
        drift = 1.5 if number > tasks / 2 else 1.0
        exact = dice.random() < 0.35
        actual = (
            estimate if exact else max(0.25, round(4 * estimate * pace[who] * drift * math.exp(dice.gauss(0, 0.4))) / 4)
        )
        longer = 0 if dice.random() < 0.55 else int(actual * math.exp(dice.gauss(0, 1.0)))
        done = day + timedelta(days=longer)
        dates = ",".join(f"{each:%d-%b-%y}" for each in (day, day, done))
        yield f"{number},Task {number},PC{number % 3},Bug,FINISHED,{estimate},{actual},{who},{actual},{dates}"
