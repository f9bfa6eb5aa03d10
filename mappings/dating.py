"""When the tasks of a plan start and end, on its business calendar. Pure arithmetic.

Called by `mappings.templates`, which knows what the tasks are. A task starts on its anchor (`kickoff + 2`,
`launch - 5`, `after contract`) or, if later, on the first business day after everything it depends on has ended; it
ends `days` business days later. A milestone takes no time: it falls on its anchor or on the day when the last of its
predecessors ends.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from mappings.calendar import BusinessCalendar

KICKOFF, LAUNCH, AFTER = "kickoff", "launch", "after"


@dataclass(frozen=True, slots=True)
class Anchor:
    """When a task wants to start: `days` business days from the kickoff, the launch or the end of another task."""

    to: str
    days: int = 0
    task: str = ""


class Timed(Protocol):
    """What a template says of a task's time."""

    @property
    def start(self) -> Anchor | None:
        """Its anchor."""
        ...

    @property
    def days(self) -> int:
        """How many business days it takes."""
        ...

    @property
    def milestone(self) -> bool:
        """Whether it takes no time."""
        ...


class Undated(Protocol):
    """A task that will be in the plan. `depends_on` and `anchored_to` are keys of others."""

    @property
    def key(self) -> str:
        """Its key in this plan."""
        ...

    @property
    def task(self) -> Timed:
        """What the template says."""
        ...

    @property
    def depends_on(self) -> tuple[str, ...]:
        """What must have ended before it starts."""
        ...

    @property
    def anchored_to(self) -> tuple[str, ...]:
        """What its anchor counts from."""
        ...


class Dates:
    """Dates every draft once, predecessors first. The loader has refused cycles."""

    def __init__(self, calendar: BusinessCalendar, kickoff: date, launch: date, drafts: Iterable[Undated]) -> None:
        self._calendar, self._kickoff, self._launch = calendar, kickoff, launch
        self._drafts = {draft.key: draft for draft in drafts}
        self._known: dict[str, tuple[date, date]] = {}

    def of(self, key: str) -> tuple[date, date]:
        """Return start and due of a draft."""
        if key not in self._known:
            self._known[key] = self._date(self._drafts[key])
        return self._known[key]

    def _date(self, draft: Undated) -> tuple[date, date]:
        task, add = draft.task, self._calendar.add
        gap = 0 if task.milestone else 1
        floors = [self._anchored(task.start), *(add(self.of(key)[1], gap) for key in draft.depends_on)]
        if task.start and task.start.to == AFTER:
            floors += [add(self.of(key)[1], max(task.start.days, gap)) for key in draft.anchored_to]
        start = max(floors)
        return start, start if task.milestone else add(start, task.days - 1)

    def _anchored(self, anchor: Anchor | None) -> date:
        """No anchor starts a plan before its kickoff, not even a launch that was sold too soon."""
        if anchor is None or anchor.to == AFTER:
            return self._kickoff
        origin = self._kickoff if anchor.to == KICKOFF else self._launch
        return max(self._kickoff, self._calendar.add(origin, anchor.days))
