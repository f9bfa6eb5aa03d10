"""What the tasks and launches of finished onboardings taught: how long plans' tasks take, and how far plans differ.

Filled by `sync.core.replay`, asked by `sync.core.forecast`. Pure. A task's own days are the business days from the one
on which it could be worked on (its start, or the end of the last task before it) to the one on which it was done.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from mappings.calendar import BusinessCalendar
from mappings.hours import SECONDS_PER_HOUR
from sync.core.dossier import CANCELLED, DONE, Dossier, Task
from sync.core.launch import Likely, Mood, Moods, Node, Run, in_order, typical
from sync.core.pace import LEVELS, Finished, Group, Known, Learner, Measure
from sync.core.spread import Aim

MEMORY = 60
"""Outcomes that a group of plans' tasks keeps."""
_STEP = 0.03
_SIZES = (0, 1, 2, 3, 5, 8, 13, 21, 34)

ELAPSED = Measure(
    "days", lambda task: float(task.days), lambda known: float(known.days), lambda known: float(max(1, known.days)), 0.0
)
EFFORT = Measure("hours", lambda task: task.hours, lambda known: known.estimate, lambda known: known.estimate, 0.0)


@dataclass(frozen=True, slots=True)
class Network:
    """An onboarding's plan as a network around a day; `ending` are the items whose end is the launch."""

    nodes: tuple[Node, ...]
    ending: tuple[str, ...]


class Experience:
    """What was learned so far."""

    def __init__(self) -> None:
        self.tasks = 0
        self.launches = 0
        self.launch_aims, self.hours_aims = _aims(), _aims()
        self._elapsed = Learner(ELAPSED, memory=MEMORY)
        self._effort = Learner(EFFORT, memory=MEMORY)
        self._moods, self._effort_moods = Moods(), Moods()
        self._worked_out: dict[tuple[str, tuple[Group, ...], bool], Likely] = {}
        """What was asked for since the last outcome was learned: many plans ask for the same."""

    def state(self) -> dict[str, Any]:
        """Return all of it as JSON-able data."""
        return {
            "tasks": self.tasks,
            "launches": self.launches,
            "aims": [[aim.pressure for aim in aims] for aims in (self.launch_aims, self.hours_aims)],
            "moods": [asdict(self._moods), asdict(self._effort_moods)],
            "learned": [_told(learner) for learner in (self._elapsed, self._effort)],
        }

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> Experience:
        """Return the experience that gave this state."""
        found = cls()
        found.tasks, found.launches = state["tasks"], state["launches"]
        found.launch_aims, found.hours_aims = (_aims(pressures) for pressures in state["aims"])
        found._moods, found._effort_moods = (Moods(**mood) for mood in state["moods"])
        for learner, (count, groups) in zip((found._elapsed, found._effort), state["learned"], strict=True):
            learner.recall(
                count,
                {tuple(name): [(date.fromisoformat(day), value) for day, value in kept] for name, kept in groups},
            )
        return found

    def learn_task(self, task: Finished) -> None:
        """Take a finished task in."""
        self.tasks += 1
        self._worked_out.clear()
        self._elapsed.learn(task)
        if task.known.estimate > 0:
            self._effort.learn(task)

    def learn_launch(self, tasks: Sequence[Finished]) -> None:
        """Take in what the tasks of an onboarding that has launched have in common."""
        self.launches += 1
        self._moods.learn(self._residuals(tasks))
        self._effort_moods.learn(self._effort_residuals(tasks))

    def elapsed(self, known: Known) -> Likely:
        """Return what a task's own days may be, in units of its planned ones."""
        return self._likely(self._elapsed, known)

    def effort(self, known: Known) -> Likely:
        """Return what a task's hours may be, in units of its estimate, which must be above 0."""
        return self._likely(self._effort, known)

    def _likely(self, learner: Learner, known: Known) -> Likely:
        # All else that is known of a task, its estimate and its days, cancels out of a mixture of ratios.
        asked = (learner.measure.name, known.groups, known.days > 0)
        if asked not in self._worked_out:
            self._worked_out[asked] = Likely(learner.mixture(known))
        return self._worked_out[asked]

    def mood(self, tasks: Sequence[Finished]) -> Mood:
        """Return what a plan's finished tasks tell of its pace."""
        return self._moods.of(self._residuals(tasks))

    def effort_mood(self, tasks: Sequence[Finished]) -> Mood:
        """Return what a plan's finished tasks tell of its hours."""
        return self._effort_moods.of(self._effort_residuals(tasks))

    def _residuals(self, tasks: Sequence[Finished]) -> list[float]:
        timed = [task for task in tasks if task.known.days]
        return [self.elapsed(task.known).residual(task.days / task.known.days) for task in timed]

    def _effort_residuals(self, tasks: Sequence[Finished]) -> list[float]:
        costed = [task for task in tasks if task.known.estimate > 0]
        return [self.effort(task.known).residual(task.hours / task.known.estimate) for task in costed]


def _aims(pressures: Sequence[float] = (0.0,) * len(LEVELS)) -> tuple[Aim, ...]:
    pairs = zip(LEVELS, pressures, strict=True)
    return tuple(Aim(level, step=_STEP, sides=0.0, pressure=pressure) for level, pressure in pairs)


def _told(learner: Learner) -> list[Any]:
    samples = learner.samples().items()
    return [learner.count, [[[*group], [[str(day), value] for day, value in kept]] for group, kept in samples]]


def network(known: Dossier, today: date, calendar: BusinessCalendar, experience: Experience | None = None) -> Network:
    """Lay an onboarding's plan out around a day; open tasks get what they may take where there is experience."""
    by_item = {task.item: task for task in known.tasks}
    nodes = [_node(task, by_item, known, today, calendar, experience) for task in known.tasks]
    launch = known.launch_task
    if launch is not None and launch.status != CANCELLED:
        ending: tuple[str, ...] = (launch.item,)
    else:
        ending = tuple(task.item for task in known.tasks if task.status != CANCELLED)
    return Network(in_order(nodes), ending)


def finished_tasks(known: Dossier, today: date, calendar: BusinessCalendar) -> tuple[Finished, ...]:
    """Return an onboarding's finished tasks as they went, by the day on which they were done."""
    passage = typical(network(known, today, calendar).nodes, Mood())
    return tuple(sorted(_finished(known, passage, today, calendar), key=lambda each: (each.completed, each.task)))


def _finished(known: Dossier, passage: Run, today: date, calendar: BusinessCalendar) -> Iterator[Finished]:
    for task in known.tasks:
        if task.status == DONE and task.done_on is not None:
            days = round(max(0.0, passage.ends[task.item] - passage.begins[task.item]))
            of_task = known_of(known, task, today, calendar)
            hours = task.tracked_seconds / SECONDS_PER_HOUR
            yield Finished(task.item, of_task, hours, days, task.done_on, known.template)


def known_of(known: Dossier, task: Task, today: date, calendar: BusinessCalendar) -> Known:
    """Return what is known of a plan's task before it begins."""
    days = planned_days(task, calendar)
    size = str(next((number for number, most in enumerate(_SIZES) if days <= most), len(_SIZES)))
    who = task.role or task.audience
    groups: tuple[Group, ...] = (
        (),
        ("size", size),
        ("who", who),
        ("who, size", who, size),
        ("task", known.template, task.item.partition(".")[0]),
    )
    return Known(task.estimated_hours, days, task.baseline_start or task.start_target or today, groups)


def planned_days(task: Task, calendar: BusinessCalendar) -> int:
    """Return the business days that the plan gave a task; none for a milestone."""
    start, due = task.baseline_start or task.start_target, task.baseline_due or task.due_target
    if task.milestone:
        return 0
    return max(1, calendar.between(start, due) + 1) if start and due else 1


def _node(
    task: Task,
    by_item: dict[str, Task],
    known: Dossier,
    today: date,
    calendar: BusinessCalendar,
    experience: Experience | None,
) -> Node:
    finished = None
    if task.status == DONE:
        day = task.done_on or task.due_target or task.baseline_due or today
        finished = calendar.between(today, min(day, today))
    return Node(
        task.item,
        tuple(key for key in task.depends_on if key in by_item),
        planned_days(task, calendar),
        floor=_floor(task, by_item, today, calendar),
        finished=finished,
        dropped=task.status == CANCELLED,
        likely=experience.elapsed(known_of(known, task, today, calendar)) if experience and task.open else None,
    )


def _floor(task: Task, by_item: dict[str, Task], today: date, calendar: BusinessCalendar) -> int | None:
    """Return the day before a task's start, where a date holds that start and not just the tasks before it."""
    gap = 0 if task.milestone else 1
    start = task.baseline_start or task.start_target
    if start is None:
        return None
    ends = [by_item[key].baseline_due for key in task.depends_on if key in by_item]
    driven = any(end is not None and calendar.add(end, gap) >= start for end in ends)
    moved = task.start_target is not None and task.start_target > start
    if driven and not moved:
        return None
    day = task.start_target if moved and task.start_target else start
    return calendar.between(today, day) - gap
