"""Whose court a task is in, since when, and how many business days were lost there. Pure.

Called by `sync.core.health`, by reports, notices and roll-ups. A task is in somebody's court from the day on which it
could be worked on: not before its baseline start, unless it was begun earlier, and not before everything it depends on
was done. Until then it is in nobody's, and its days are nobody's. Days are business days of the calendar.

A task was given as many days as its baseline lasts. What goes beyond is lost, in the court where the task then was:
whoever hands over late loses the days, not who gets the task late.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TypeAlias

from mappings.calendar import BusinessCalendar
from mappings.practice import Court, CourtRules
from sync.core.dossier import CANCELLED, DONE, Dossier, Task


@dataclass(frozen=True, slots=True)
class Stretch:
    """A task's stay in one court, from `start` to `end`; `end` is the day of asking where it is there still."""

    court: Court
    start: date
    end: date
    days: int
    lost: int


@dataclass(frozen=True, slots=True)
class Clock:
    """One task's stays. `now` is whose move it is, None for nobody's: done, cancelled, or waiting for another task."""

    item: str
    stretches: tuple[Stretch, ...] = ()
    now: Court | None = None

    def days(self, court: Court) -> int:
        """Return the business days in a court."""
        return sum(each.days for each in self.stretches if each.court is court)

    def lost(self, court: Court) -> int:
        """Return the business days lost in a court."""
        return sum(each.lost for each in self.stretches if each.court is court)


@dataclass(frozen=True, slots=True)
class _State:
    """Who had a task and how it stood, from a day on."""

    since: date
    status: str
    owner: str


_COURTS = frozenset(Court)

_Told: TypeAlias = tuple[date, str, str, str]
"""A change: day, field, from, to."""


@dataclass(frozen=True, slots=True)
class Courts:
    """The clocks of an onboarding's tasks, by item."""

    clocks: Mapping[str, Clock] = field(default_factory=dict)

    def lost(self, court: Court) -> int:
        """Return the days lost in a court by all tasks; days that two tasks lost side by side count twice."""
        return sum(clock.lost(court) for clock in self.clocks.values())


def court_of(rules: CourtRules, *, status: str, role: str, owner: str, audience: str, court: str = "") -> Court:
    """Return whose move it is on a task that can be worked on; `court` is what its template says."""
    if status in rules.statuses:
        return rules.statuses[status]
    if court in _COURTS:
        return Court(court)
    if role in rules.roles:
        return rules.roles[role]
    domain = owner.rpartition("@")[2].lower()
    if domain and rules.domains and domain not in rules.domains:
        return Court.CUSTOMER
    return rules.audiences.get(audience, Court.US)


def task_court(task: Task, rules: CourtRules) -> Court:
    """Return whose move it is on a task as it stands, were it to be worked on now."""
    return court_of(
        rules, status=task.status, role=task.role, owner=task.owner, audience=task.audience, court=task.court
    )


def courts(known: Dossier, rules: CourtRules, calendar: BusinessCalendar, today: date) -> Courts:
    """Return every task's clock as of a day. Milestones take no time and are in nobody's court."""
    by_item = {task.item: task for task in known.tasks}
    told = _told(known)
    clocks = {}
    for task in known.tasks:
        if task.milestone:
            continue
        states = _states(task, told.get(task.item, ()))
        begin = _begin(task, states, by_item, known.kickoff)
        if begin is None or begin > today:
            clocks[task.item] = Clock(task.item)
        else:
            clocks[task.item] = _clock(task, states, begin, rules, calendar, today)
    return Courts(clocks)


def _clock(
    task: Task, states: tuple[_State, ...], begin: date, rules: CourtRules, calendar: BusinessCalendar, today: date
) -> Clock:
    left = _given(task, calendar)
    stretches: list[Stretch] = []
    now = None
    for state, until in _spans(states, today):
        if state.status in {DONE, CANCELLED}:
            now = None
            continue
        now = court_of(
            rules,
            status=state.status,
            role=task.role,
            owner=state.owner,
            audience=task.audience,
            court=task.court,
        )
        start, end = max(state.since, begin), until
        if end < start or (end == start and until != today):
            continue
        days = calendar.between(start, end)
        lost = max(0, days - left)
        left = max(0, left - days)
        last = stretches[-1] if stretches else None
        if last is not None and last.court is now and last.end == start:
            stretches[-1] = Stretch(now, last.start, end, last.days + days, last.lost + lost)
        else:
            stretches.append(Stretch(now, start, end, days, lost))
    return Clock(task.item, tuple(stretches), now)


def _given(task: Task, calendar: BusinessCalendar) -> int:
    """Return the days that a task may take after the one it begins on."""
    start, due = task.baseline_start or task.start_target, task.baseline_due or task.due_target
    return max(0, calendar.between(start, due)) if start and due else 0


def _begin(task: Task, states: tuple[_State, ...], by_item: Mapping[str, Task], kickoff: date | None) -> date | None:
    """Return the day from which a task can be worked on; None while it waits for another one."""
    started = next((state.since for state in states if state.status not in {"not_started", CANCELLED}), None)
    before = [by_item[key] for key in task.depends_on if key in by_item]
    if any(other.open for other in before):
        return started if started != date.min else None
    done = [other.done_on for other in before if other.done_on]
    planned = task.baseline_start or task.start_target or kickoff
    days = [day for day in (planned, *done) if day is not None]
    ready = max(days, default=None)
    if ready is None:
        return started if started != date.min else None
    return min(ready, started) if started and started != date.min else ready


def _told(known: Dossier) -> dict[str, list[_Told]]:
    """Return by item the changes of status and owner, oldest first."""
    told: dict[str, list[_Told]] = {}
    for at, event in known.history:
        if event.rule == "changed" and event.field in {"status", "owner"}:
            told.setdefault(event.item, []).append((at.date(), event.field, _read(event.old), _read(event.new)))
    return told


def _states(task: Task, told: Sequence[_Told]) -> tuple[_State, ...]:
    """Work a task's states out from what it is now and what changed; the first one has always been."""
    first = {"status": task.status, "owner": task.owner} | {name: old for _, name, old, _ in reversed(told)}
    states = [_State(date.min, first["status"], first["owner"])]
    for day, name, _, new in told:
        last = states[-1]
        status, owner = (new, last.owner) if name == "status" else (last.status, new)
        states.append(_State(day, status, owner))
    return tuple(states)


def _spans(states: tuple[_State, ...], today: date) -> Iterator[tuple[_State, date]]:
    for number, state in enumerate(states):
        yield state, states[number + 1].since if number + 1 < len(states) else today


def _read(text: str) -> str:
    """Return the text that a history's value stands for."""
    if text[:1] == text[-1:] == "'" and "\\" not in text:
        return text[1:-1]
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return ""
    return value if isinstance(value, str) else ""
