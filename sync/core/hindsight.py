"""An onboarding as it was known on a day gone by: what forecasts are tested on.

Called by `sync.core.replay`. Pure. It unwinds the history's changes and leaves out time entries of later days, so that
nothing of the future is left in a dossier. What a plan's own values were (its kickoff, its launch milestone) is taken
as it is now: they are set with the plan.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from dataclasses import replace
from datetime import date

from connectors.base import Value
from sync.core.dossier import DONE, Dossier, Task

_DAY = re.compile(r"datetime\.date\((\d+), (\d+), (\d+)\)")
_TEXTS = frozenset({"name", "phase", "status", "owner"})
_DAYS = frozenset({"start_target", "due_target"})


def as_of(known: Dossier, day: date) -> Dossier:
    """Return an onboarding as it stood at the end of a day."""
    fields: dict[str, dict[str, Value]] = {}
    for at, event in reversed(known.history):
        if at.date() <= day:
            break
        if event.rule == "changed":
            fields.setdefault(event.item, {})[event.field] = value_of(event.old)
    history = tuple((at, event) for at, event in known.history if at.date() <= day)
    logged = tuple(each for each in known.logged if each.entry.started.date() <= day)
    seconds: Counter[str] = Counter()
    for each in logged:
        seconds[each.item] += each.entry.seconds
    done = {event.item: at.date() for at, event in history if event.field == "status" and value_of(event.new) == DONE}
    tasks = tuple(
        _task(task, fields.get(task.item, {}), seconds[task.item], done.get(task.item)) for task in known.tasks
    )
    return replace(known, tasks=tasks, logged=logged, history=history)


def value_of(text: str) -> Value:
    """Return the value that a history's text stands for; None for one that cannot be read."""
    if found := _DAY.fullmatch(text):
        return date(*map(int, found.groups()))
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return None
    return value if isinstance(value, str | int | float | bool) else None


def _task(task: Task, old: dict[str, Value], seconds: int, done: date | None) -> Task:
    texts = {name: str(old[name] or "") for name in _TEXTS & old.keys()}
    days = {name: value if isinstance(value := old[name], date) else None for name in _DAYS & old.keys()}
    hours = old.get("estimated_hours", task.estimated_hours)
    status = texts.get("status", task.status)
    return replace(
        task,
        **texts,  # type: ignore[arg-type]
        **days,  # type: ignore[arg-type]
        estimated_hours=float(hours) if isinstance(hours, int | float) else 0.0,
        tracked_seconds=seconds,
        done_on=done if status == DONE else None,
    )
