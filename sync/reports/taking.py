"""Reads minutes that people have filled in: the meeting, and the actions that were agreed on.

Called by `closedwon report minutes --take`. The file comes from anybody: it is bounded in size, every mistake is told
with its line, and nothing of it is taken while there is one. It knows no onboarding and keeps nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from connectors.base import Fields
from mappings.model import ObjectMapping
from mappings.templates import NAME_LENGTH, TaskSpec
from sync.core.draft import task_values
from sync.reports.minutes import ACTIONS, COLUMNS, MEETING, REFERENCE
from sync.reports.viewing import ACTION

LARGEST = 256_000
"""Bytes of a file."""
MOST = 100
"""Actions of a meeting."""
_PHASE = "Actions"
_AUDIENCES = {"": "internal", "us": "internal", "customer": "customer", "both": "both"}
_NUMBER = re.compile(r"[1-9][0-9]{0,2}")
_CELLS = re.compile(r"(?<!\\)\|")
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
_RULE = re.compile(r"[\s|:\-]+")
_ADDRESS = re.compile(r"[^\s@<>\"]{1,64}@[^\s@<>\"]{1,190}")


@dataclass(frozen=True, slots=True)
class Action:
    """One action. `owner` is an e-mail in lower case or "", `audience` one of the templates' audiences."""

    number: int
    text: str
    owner: str
    due: date | None
    audience: str
    line: int


@dataclass(frozen=True, slots=True)
class Minutes:
    """Minutes that were filled in; `reference` names the onboarding that they were made for."""

    meeting: date
    reference: str
    actions: tuple[Action, ...]

    def tasks(self, mapping: ObjectMapping) -> dict[str, Fields]:
        """Return the actions as new tasks' values by item: the same meeting and number give the same item for good."""
        tasks: dict[str, Fields] = {}
        for action in self.actions:
            values = task_values(self._task(action), mapping)
            undated = {} if action.due else {"due_target": None, "due_baseline": None}
            tasks[self._item(action)] = {**values, **undated}
        return tasks

    def _item(self, action: Action) -> str:
        return f"{ACTION}{self.meeting:%Y%m%d}_{action.number}"

    def _task(self, action: Action) -> TaskSpec:
        return TaskSpec(
            key=self._item(action),
            phase=_PHASE,
            name=action.text,
            description=f"Agreed on in the meeting of {self.meeting}.",
            audience=action.audience,
            milestone=False,
            role="",
            owner=action.owner,
            start_target=self.meeting,
            due_target=action.due or self.meeting,
            estimated_hours=0.0,
        )


class BadMinutes(Exception):
    """The file is no minutes, or has mistakes; each is an argument and tells its line."""


def take(data: bytes, today: date) -> Minutes:
    """Read filled minutes as of a day; raises BadMinutes with every mistake."""
    if len(data) > LARGEST:
        raise BadMinutes(f"it is larger than {LARGEST:,} bytes: minutes are text, give the filled Markdown file")
    try:
        lines = data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise BadMinutes("it is no UTF-8 text: save it as Markdown in UTF-8") from None
    reader = _Reader(today)
    meeting = reader.meeting(lines)
    reference = next((line.strip()[len(REFERENCE) :] for line in lines if line.strip().startswith(REFERENCE)), "")
    if not reference:
        reader.mistakes.append(f"the line `{REFERENCE}…` of the stub is gone: put it back")
    actions = reader.actions(lines, meeting)
    if reader.mistakes or meeting is None:
        raise BadMinutes(*reader.mistakes)
    return Minutes(meeting, reference.strip(), actions)


class _Reader:
    """Gathers mistakes while it reads."""

    def __init__(self, today: date) -> None:
        self._today = today
        self.mistakes: list[str] = []

    def meeting(self, lines: list[str]) -> date | None:
        """Return the meeting's day."""
        text = next((line.strip()[len(MEETING) :] for line in lines if line.strip().startswith(MEETING)), "")
        found = _day(text)
        if found is None:
            self.mistakes.append(f"the line `{MEETING}2026-11-20` of the stub is gone or has no day: put it back")
        elif found > self._today:
            self.mistakes.append(f"the meeting of {found} has not taken place by {self._today}: correct its day")
            return None
        return found

    def actions(self, lines: list[str], meeting: date | None) -> tuple[Action, ...]:
        """Return the filled lines of the table of actions."""
        rows = list(self._rows(lines))
        if not rows or tuple(rows[0][1]) != COLUMNS:
            self.mistakes.append(f"under `## {ACTIONS}` there is no table with {', '.join(COLUMNS)}: put it back")
            return ()
        found: dict[int, Action] = {}
        for line, cells in rows[1:]:
            action = self._action(line, cells, meeting)
            if action is None:
                continue
            if action.number in found:
                first = found[action.number].line
                self._wrong(line, f"number {action.number} stands in line {first} as well: number each action once")
            found[action.number] = action
        if len(found) > MOST:
            self.mistakes.append(f"there are more than {MOST} actions: split them up")
        return tuple(found.values())

    def _rows(self, lines: list[str]) -> list[tuple[int, list[str]]]:
        """Return the lines of the first table under the heading, with their numbers; the ruled line is left out."""
        rows: list[tuple[int, list[str]]] = []
        inside = False
        for number, line in enumerate(lines, start=1):
            text = line.strip()
            if text.startswith("#"):
                if inside:
                    break
                inside = text.lstrip("#").strip() == ACTIONS
            elif inside and text.startswith("|"):
                if not _RULE.fullmatch(text) or not rows:
                    rows.append((number, [_plain(cell) for cell in _CELLS.split(text.removesuffix("|"))[1:]]))
            elif inside and rows and text:
                break
        return rows

    def _action(self, line: int, cells: list[str], meeting: date | None) -> Action | None:
        if not any(cells[1:]):
            return None  # a line that nobody filled in
        if len(cells) != len(COLUMNS):
            self._wrong(line, f"it has {len(cells)} cells, not {len(COLUMNS)}: write \\| for a bar within a text")
            return None
        number, text, owner, due, audience = cells
        before = len(self.mistakes)
        if not _NUMBER.fullmatch(number):
            self._wrong(line, "an action needs a number from 1 to 999 in its first cell")
        if not text or len(text) > NAME_LENGTH or not text.isprintable():
            self._wrong(line, f"an action is 1 to {NAME_LENGTH} printable characters")
        if owner and not _ADDRESS.fullmatch(owner):
            self._wrong(line, "Who is no e-mail address")
        day = _day(due) if due else None
        if due and (day is None or (meeting is not None and day < meeting)):
            self._wrong(line, "Due is no day from the meeting on: write it as 2026-11-27")
        if audience.lower() not in _AUDIENCES:
            self._wrong(line, "For is neither us, customer nor both")
        if len(self.mistakes) > before:
            return None
        return Action(int(number), text, owner.lower(), day, _AUDIENCES[audience.lower()], line)

    def _wrong(self, line: int, text: str) -> None:
        self.mistakes.append(f"line {line}: {text}")


def _plain(cell: str) -> str:
    """Return a cell's text without Markdown's backslashes and the dash that stands for nothing."""
    text = " ".join(_ESCAPED.sub(r"\1", cell).split())
    return "" if text == "–" else text


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None
