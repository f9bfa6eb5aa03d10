"""A year of simulated life: sales win and amend deals, three offices bring them live, customers tick, admins rename.

Built by `bench/year.py` and tests, which move the clock from one evening to the next and let the product look in
between. People act through the vendors' acts only. The same seed, and a product that does the same, give the same year.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from simulator.app import Simulator
from simulator.people import RENAMED
from simulator.year_people import ADMIN, EVENINGS, OFFICES, REFUSED, days, take_on
from simulator.year_sales import Sales
from simulator.year_work import Launch

_RENAMES = 0.04
_FOREIGN_TIME = 0.1
"""How probable it is that an admin renames something on a day, and that time is logged on an issue of others."""


class Year:
    """Everybody, for so many days from the clock's next day on."""

    def __init__(self, simulator: Simulator, *, seed: int, onboardings: int, length: int, selling_days: int) -> None:
        self.first = simulator.world.clock.now().date() + timedelta(days=1)
        self.last = self.first + timedelta(days=length - 1)
        self.launches: list[Launch] = []
        self.renames = 0
        self.sales = Sales(
            simulator, seed=seed, onboardings=onboardings, first=self.first, selling_days=min(selling_days, length)
        )
        self._simulator = simulator
        self._seed = seed
        self._dice = random.Random(f"year {seed}")
        self._back: list[tuple[date, Callable[[], object]]] = []
        """What gives a renamed thing its name back, and on which day."""
        self._foreign: list[str] = []
        """Issues of other people, whose time is no business of ours."""
        with simulator.world.lock:
            take_on(simulator.jira)

    def evenings(self) -> Iterator[datetime]:
        """Yield the moments at which people act, in UTC: each office's evening, one for all on weekends."""
        for day in days(self.first, self.last):
            for hour in EVENINGS if day.weekday() < 5 else EVENINGS[-1:]:
                yield datetime.combine(day, time(hour), UTC)

    def live(self, evening: datetime) -> None:
        """Have those act whose working day is over by now; who is refused shrugs and goes on."""
        day = evening.date()
        with self._simulator.world.lock:
            if evening.hour == EVENINGS[-1]:
                for act in (self.sales.live, self._take_up, self._rename, self._rename_back, self._work_elsewhere):
                    with suppress(*REFUSED):
                        act(day)
            for launch in self.launches:
                if launch.office.evening == evening.hour or day.weekday() >= 5:
                    with suppress(*REFUSED):
                        launch.live(day)

    def rest(self) -> None:
        """Leave nothing behind that waits for a person: deals are won again, names are those of the beginning."""
        with self._simulator.world.lock:
            self.sales.rest(self.last)
            for _, back in self._back:
                back()
            self._back.clear()

    def _take_up(self, _: date) -> None:
        """Give each new deal its people."""
        for number in range(len(self.launches), len(self.sales.won)):
            dice = random.Random(f"launch {self._seed} {number}")
            deal = self.sales.won[number]
            self.launches.append(Launch(self._simulator, deal, office=dice.choice(OFFICES), dice=dice))

    # -- the admin, and other people

    def _rename(self, day: date) -> None:
        """Rename a status of Jira or a sheet's column, now and then; it gets its name back within days."""
        if self._dice.random() >= _RENAMES:
            return
        back = self._rename_status() if self._dice.random() < 0.3 else self._rename_column()
        if back is not None:
            self.renames += 1
            self._back.append((day + timedelta(days=self._dice.randint(1, 4)), back))

    def _rename_back(self, day: date) -> None:
        for due in [due for due in self._back if due[0] <= day]:
            self._back.remove(due)
            due[1]()

    def _rename_status(self) -> Callable[[], object] | None:
        status = self._dice.choice(sorted(self._simulator.jira.site.schema.statuses.values(), key=lambda one: one.id))
        if status.name.endswith(RENAMED):
            return None
        name = status.name
        self._jira("rename_status", status=status.id, name=name + RENAMED)
        return lambda: self._jira("rename_status", status=status.id, name=name)

    def _rename_column(self) -> Callable[[], object] | None:
        sheets = [launch.plan.sheet for launch in self.launches if launch.plan is not None and launch.plan.here]
        if not sheets:
            return None
        number = self._dice.choice(sheets)
        column = self._dice.choice(self._simulator.smartsheet.state.sheets[number].columns)
        title = column.title
        if title.endswith(RENAMED):
            return None
        place = {"sheet": number, "column": column.id, "who": ADMIN}
        smartsheet = self._simulator.smartsheet
        smartsheet.act("rename_column", {**place, "title": title + RENAMED})
        return lambda: smartsheet.act("rename_column", {**place, "title": title})

    def _work_elsewhere(self, day: date) -> None:
        """Log time on issues which belong to no plan; some are deleted again, with their time."""
        if self._dice.random() >= _FOREIGN_TIME:
            return
        office = self._dice.choice(OFFICES)
        if not self._foreign or self._dice.random() < 0.3:
            fields = {"project": {"key": "ONB"}, "issuetype": {"name": "Task"}, "summary": f"Internal work of {day}"}
            self._foreign.append(self._jira("create_issue", fields=fields)["id"])
        started = office.stamp(day, time(13, 15))
        seconds = 60 * self._dice.randint(1, 300)
        issue = self._dice.choice(self._foreign)
        if len(self._foreign) > 5 and self._dice.random() < 0.3:
            self._foreign.remove(issue)
            self._jira("delete_issue", issue=issue)
            return
        self._jira("log_time", issue=issue, seconds=seconds, started=started, who=office.engineer)

    def _jira(self, action: str, **args: Any) -> dict[str, Any]:
        return self._simulator.jira.act(action, args)
