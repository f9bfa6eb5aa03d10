"""One launch's people at work, day after day: engineers log time and close issues, a customer ticks rows, dates slip.

Driven by `simulator.year`, once for each day of the launch's office. Everything goes through the vendors' acts, and
everything that is left to chance hangs on the launch's own dice, so that one launch's life changes no other's.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import date, time, timedelta
from typing import Any

from simulator.app import Simulator
from simulator.year_people import CUSTOMER, REFUSED, Office, Pace, later
from simulator.year_plans import START_FIELD, Piece, SeenPlan

HOUR = 3600
QUARTER = 900


class Launch:
    """A deal that was won, and those who bring it live."""

    def __init__(self, simulator: Simulator, deal: str, *, office: Office, dice: random.Random) -> None:
        self.deal = deal
        self.office = office
        self.plan: SeenPlan | None = None
        self.logs: list[tuple[int, Piece]] = []
        """Time that was logged on it, as worklog and task, oldest first."""
        self._simulator = simulator
        self._dice = dice
        self._pace = Pace.drawn(dice)
        self._shifted = date.min
        self._habits: Sequence[tuple[float, Callable[[date], None]]] = (
            (0.06, self._correct),
            (0.02, self._log_on_epic),
            (0.10, self._chase_dates),
            (0.02, self._reestimate),
            (0.02, self._hand_over),
            (0.004, self._reopen),
            (0.02, self._comment),
            (0.02, self._cross_purposes),
            (0.01, self._add_note),
            (0.01, self._copy_row),
        )
        self._copies: list[tuple[date, Callable[[], object]]] = []
        """What becomes of rows that were copied, and on which day."""

    def live(self, day: date) -> None:
        """Spend a day on it; nothing happens before there is a plan, on holidays, and hardly anything on weekends."""
        if self.plan is None:
            self.plan = SeenPlan.find(self._simulator, self.deal)
        if self.plan is None or not self.plan.here:
            return
        if not self.office.works(day):
            if day.weekday() == 5 and self._dice.random() < 0.05:
                self._log_somewhere(day, time(10, 30))
            return
        self.plan.look()
        for due in [due for due in self._copies if due[0] <= day]:
            self._copies.remove(due)
            with suppress(*REFUSED):
                due[1]()
        for piece in self._open():
            if day >= self.plan.start_of(piece) and all(map(self.plan.done, piece.gates)):
                self._work_on(piece, day)
        for chance, habit in self._habits:
            if self._dice.random() < chance:
                habit(day)

    def _open(self) -> list[Piece]:
        assert self.plan is not None
        return [piece for piece in self.plan.pieces if not self.plan.done(piece)]

    # -- the work itself

    def _work_on(self, piece: Piece, day: date) -> None:
        if piece.milestone:
            self._finish(piece)
            return
        if not piece.days:
            self._begin(piece)
        piece.worked += 1
        if piece.left:
            self._log_share(piece, day)
        if piece.worked >= piece.days:
            self._finish(piece)

    def _begin(self, piece: Piece) -> None:
        """Draw how long it will take, and tell that it is under way."""
        assert self.plan is not None
        issue = self.plan.issue(piece)
        mood = self._pace.team if issue else self._pace.customer
        piece.days = max(1, round(piece.planned_days * mood * self._dice.lognormvariate(0, 0.4)))
        if issue is not None:
            estimate = issue.original_estimate or HOUR
            hours = self._pace.hours * self._dice.lognormvariate(0, 0.3)
            piece.left = max(QUARTER, round(estimate * hours / 60) * 60)
            if piece.days > 1:
                self._jira("set_status", issue=issue.id, status="In Progress")
        elif piece.days > 2 and self._dice.random() < 0.5:
            self._cell(piece, "Status", "In progress")

    def _log_share(self, piece: Piece, day: date) -> None:
        """Log what one of the remaining days has of the hours; some forget it and log it with the next day's."""
        remaining = max(1, piece.days - piece.worked + 1)
        if remaining > 1 and self._dice.random() < 0.15:
            return
        seconds = piece.left if remaining == 1 else round(piece.left / remaining / 60) * 60
        if seconds <= 0:
            return
        piece.left -= seconds
        begun = time(self._dice.randint(8, 16), self._dice.choice((0, 15, 30, 45)))
        if self._dice.random() < 0.05:
            begun = time(23, 30)  # over midnight, and over UTC's as often as not
        while seconds > 0:
            most = min(seconds, 10 * HOUR)
            self._log(piece, day, begun, most)
            seconds -= most

    def _finish(self, piece: Piece) -> None:
        """Close it where its people look: in Jira, or by ticking the row."""
        assert self.plan is not None
        issue, row = self.plan.issue(piece), self.plan.row(piece)
        if issue is not None and (row is None or self._dice.random() < 0.8):
            self._jira("close_task", issue=issue.id)
        elif row is not None:
            self._cell(piece, "Done", value=True)

    def _log(self, piece: Piece, day: date, begun: time, seconds: int) -> None:
        started = self.office.stamp(day, begun)
        who = self._dice.choice(self.office.team)
        log = self._jira("log_time", issue=piece.issue, seconds=seconds, started=started, who=who)
        self.logs.append((int(log["worklog"]), piece))

    def _log_somewhere(self, day: date, begun: time) -> None:
        candidates = [piece for piece in self._open() if piece.days and piece.issue]
        if candidates:
            self._log(self._dice.choice(candidates), day, begun, QUARTER * self._dice.randint(1, 8))

    # -- what else people do

    def _correct(self, day: date) -> None:
        """Correct an entry of the last days: its length, its day, its task; or take it away."""
        del day
        if not self.logs:
            return
        place = self._dice.randrange(max(0, len(self.logs) - 12), len(self.logs))
        log, piece = self.logs[place]
        how = self._dice.random()
        if how < 0.4:
            self._jira("edit_worklog", worklog=log, seconds=60 * self._dice.randint(5, 400))
        elif how < 0.5:
            self._jira("edit_worklog", worklog=log, seconds=26 * HOUR)  # a slip of the keyboard
            self._jira("edit_worklog", worklog=log, seconds=26 * 60)
        elif how < 0.8:
            assert self.plan is not None
            target = self._dice.choice([other for other in self.plan.pieces if other.issue] or [piece])
            self._jira("move_worklog", worklog=log, issue=target.issue)
        else:
            self._jira("delete_worklog", worklog=log)
            del self.logs[place]

    def _log_on_epic(self, day: date) -> None:
        assert self.plan is not None
        started = self.office.stamp(day, time(9, 0))
        seconds = QUARTER * self._dice.randint(1, 4)
        self._jira("log_time", issue=self.plan.epic, seconds=seconds, started=started, who=self.office.manager)

    def _chase_dates(self, day: date) -> None:
        """Give an overdue task a new date; once a month at most, move all that lies ahead instead."""
        assert self.plan is not None
        overdue = [piece for piece in self._open() if self.plan.due_of(piece) < day - timedelta(days=3)]
        if not overdue:
            return
        worst = min(overdue, key=self.plan.due_of)
        if (day - self._shifted).days < 28 or self._dice.random() < 0.5:
            self._move(worst, None, later(day, self._dice.randint(1, 5)))
            return
        self._shifted = day
        slip = max(1, (day - self.plan.due_of(worst)).days * 5 // 7)
        for piece in self._open():
            begins = self.plan.start_of(piece)
            if begins > day:
                self._move(piece, later(begins, slip), later(self.plan.due_of(piece), slip))

    def _move(self, piece: Piece, begins: date | None, due: date) -> None:
        assert self.plan is not None
        if self.plan.row(piece) is not None and self._dice.random() < 0.7:
            if begins:
                self._cell(piece, "Start", begins.isoformat())
            self._cell(piece, "Due", due.isoformat())
        elif piece.issue is not None:
            fields = {"duedate": due.isoformat()} | ({START_FIELD: begins.isoformat()} if begins else {})
            self._jira("edit_issue", issue=piece.issue, fields=fields)

    def _reestimate(self, day: date) -> None:
        del day
        candidates = [piece for piece in self._open() if piece.issue and not piece.milestone]
        if candidates:
            hours = self._dice.choice((1, 2, 4.5, 8, 12))
            fields = {"timetracking": {"originalEstimate": f"{round(hours * 60)}m"}}
            self._jira("edit_issue", issue=self._dice.choice(candidates).issue, fields=fields)

    def _hand_over(self, day: date) -> None:
        """Have a colleague take a task over."""
        del day
        candidates = [piece for piece in self._open() if piece.row and piece.issue]
        if candidates:
            self._cell(self._dice.choice(candidates), "Owner", self._dice.choice(self.office.team))

    def _reopen(self, day: date) -> None:
        """Find that a task was not done after all."""
        del day
        assert self.plan is not None
        done = [piece for piece in self.plan.pieces if piece.issue and piece.days and self.plan.done(piece)]
        if done:
            piece = self._dice.choice(done[-5:])
            piece.days, piece.worked, piece.left = 2, 0, HOUR
            self._jira("set_status", issue=piece.issue, status="In Progress")

    def _comment(self, day: date) -> None:
        assert self.plan is not None
        self._jira("comment", issue=self.plan.epic, text=f"Talked to the customer on {day}.")

    def _cross_purposes(self, day: date) -> None:
        """Have Jira and the sheet say different things of one task on the same day."""
        candidates = [piece for piece in self._open() if piece.issue and piece.row and not piece.milestone]
        if not candidates:
            return
        piece = self._dice.choice(candidates)
        if self._dice.random() < 0.5:
            self._cell(piece, "Due", later(day, self._dice.randint(2, 9)).isoformat())
            self._jira("edit_issue", issue=piece.issue, fields={"duedate": later(day, 11).isoformat()})
        else:
            self._cell(piece, "Status", "Blocked")
            self._jira("set_status", issue=piece.issue, status="In Progress")

    def _add_note(self, day: date) -> None:
        """Write a line of one's own under the tasks."""
        assert self.plan is not None
        note = {"sheet": self.plan.sheet, "cells": {"Task": f"Call of {day}: nothing new"}, "who": CUSTOMER}
        self._smartsheet("add_row", note)

    def _copy_row(self, day: date) -> None:
        """Copy a task's row, hidden key and all: beside it, or into another sheet; days later one of the two goes."""
        assert self.plan is not None
        source = {"sheet": self.plan.sheet, "who": self.office.manager}
        copied = [piece for piece in self._open() if self.plan.row(piece) is not None]
        if not copied:
            return
        piece = self._dice.choice(copied)
        elsewhere = self._dice.random() < 0.3
        sheets = sorted(self._simulator.smartsheet.state.sheets)
        target = self._dice.choice(sheets) if elsewhere else self.plan.sheet
        copy = self._smartsheet("copy_row", {**source, "row": piece.row, "to": target})["row"]
        fate = self._dice.random()
        if fate < 0.6:
            gone = {**source, "sheet": target, "row": copy}
        elif fate < 0.75 and target == self.plan.sheet:  # cut and pasted, slowly
            gone = {**source, "row": piece.row}
        else:
            return
        self._copies.append((later(day, self._dice.randint(1, 8)), lambda: self._smartsheet("delete_row", gone)))

    # -- the vendors

    def _smartsheet(self, action: str, args: dict[str, Any]) -> dict[str, Any]:
        return self._simulator.smartsheet.act(action, args)

    def _jira(self, action: str, **args: Any) -> dict[str, Any]:
        return self._simulator.jira.act(action, {"who": self.office.engineer, **args})

    def _cell(self, piece: Piece, title: str, value: Any) -> None:
        assert self.plan is not None
        who = CUSTOMER if piece.issue is None else self.office.manager
        args = {"sheet": self.plan.sheet, "row": piece.row, "column": self.plan.column(title), "value": value}
        self._smartsheet("set_cell", {**args, "who": who})
