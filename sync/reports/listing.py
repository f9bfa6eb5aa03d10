"""Tables out of things: which columns there are, and what stands in each. Used by the reports of this package.

A report's columns are written down where it is: they are its allow-list for its audience, checked against the view's
type.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Generic, Protocol, TypeVar

from sync.reports.page import Cell, Column, Look, Table

T = TypeVar("T")

WEEK = timedelta(days=7)
FORTNIGHT = timedelta(days=14)


class Timed(Protocol):
    """What both views' tasks have in common."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    @property
    def start(self) -> date | None:
        """When it is to begin."""
        ...

    @property
    def due(self) -> date | None:
        """When it is to be done."""
        ...

    @property
    def done_on(self) -> date | None:
        """When it was done."""
        ...

    @property
    def open(self) -> bool:
        """Whether somebody still has to do it."""
        ...


TimedT = TypeVar("TimedT", bound=Timed)


@dataclass(frozen=True)  # without slots: a generic class's instances are told their argument
class Field(Generic[T]):
    """A column, and how its value is read off one thing."""

    name: str
    of: Callable[[T], Cell]
    look: Look = Look.TEXT
    width: int = 14


def listed(heading: str, fields: tuple[Field[T], ...], things: Iterable[T], empty: str = "None.") -> Table:
    """Return a table with a row for each thing."""
    columns = tuple(Column(field.name, field.look, field.width) for field in fields)
    return Table(heading, columns, tuple(tuple(field.of(thing) for field in fields) for thing in things), empty)


def written(day: date) -> str:
    """Return a day as people write it."""
    return f"{day.day} {day:%B %Y}"


def count(number: float, noun: str) -> str:
    """Return a number with its noun: 1 task, 2 tasks."""
    return f"{number:g} {noun}{'' if number == 1 else 's'}"


def by_due(tasks: Iterable[TimedT]) -> list[TimedT]:
    """Sort tasks by the day on which they are due; those without one come last."""
    return sorted(tasks, key=lambda task: (task.due or date.max, task.name))


def done_since(tasks: Iterable[TimedT], day: date) -> list[TimedT]:
    """Return what was done after a day, the latest last."""
    found = [task for task in tasks if task.done_on is not None and task.done_on > day]
    return sorted(found, key=lambda task: (task.done_on or date.min, task.name))


def coming(tasks: Iterable[TimedT], day: date) -> list[TimedT]:
    """Return open tasks that begin or are due within two weeks of a day, overdue ones too."""
    until = day + FORTNIGHT
    days = [(task, [each for each in (task.start, task.due) if each]) for task in tasks if task.open]
    return by_due(task for task, own in days if own and min(own) <= until)


def left(hours: float | None) -> str:
    """Say what is left of contracted hours, "" where that is not known."""
    if hours is None:
        return ""
    return f"{hours:g} left" if hours >= 0 else f"{-hours:g} more than agreed"
