"""People who edit on their own, by seed: what makes a simulated day look like one.

Driven by the control API and the demo through `Crowd.step`. An engineer works through issues and logs time, a customer
ticks rows, a coordinator moves dates and comments, an admin now and then renames a status or a column. They act only
through the vendors' `act`, and see only what `dump` showed when the round began.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from simulator.wire import Vendor

Step = dict[str, Any]

ENGINEERS = ("ada@example.com", "ben@example.com")
COORDINATOR = "cleo@example.com"
CUSTOMER = "dan@example.com"
ADMIN = "eve@example.com"
_WORDS = ("Customer asked for a later slot.", "Waiting for the firewall rules.", "Kick-off went well.")
RENAMED = " (old)"
"""What an admin puts behind a name."""
_PLACES = frozenset({"jira", "smartsheet"})
"""Where the crowd works."""


class Crowd:
    """The people of a simulated organisation; the same seed and state give the same edits."""

    def __init__(self, vendors: Mapping[str, Vendor], seed: int = 0) -> None:
        self._vendors = vendors
        self._dice = random.Random(seed)
        self._turn = 0
        self._seen: dict[str, dict[str, Any]] = {}

    def step(self, number: int = 1) -> list[Step]:
        """Let people make that many edits, in turn; returns what they did, empty-handed turns left out."""
        self._seen = {name: vendor.dump() for name, vendor in self._vendors.items() if name in _PLACES}
        done = []
        for _ in range(number):
            self._turn += 1
            people = [self._engineer, self._customer, self._engineer, self._coordinator]
            edit = (self._admin if self._turn % 20 == 0 else people[self._turn % 4])()
            if edit is not None:
                done.append(edit)
        return done

    def _engineer(self) -> Step | None:
        """Log time on an open issue, and close it half of the time."""
        kinds = {"Task", "Milestone"}
        issues = [each for each in self._all("jira", "issues") if each["category"] != "done" and each["type"] in kinds]
        if not issues:
            return None
        issue, who = self._dice.choice(issues), self._dice.choice(ENGINEERS)
        if self._dice.random() < 0.5:
            seconds = 900 * self._dice.randint(1, 16)
            return self._do("jira", "log_time", {"issue": issue["key"], "seconds": seconds, "who": who})
        return self._do("jira", "close_task", {"issue": issue["key"], "who": who})

    def _customer(self) -> Step | None:
        """Tick a row that is not ticked yet."""
        found = self._pick_row("CHECKBOX", lambda value: value is not True)
        return self._do("smartsheet", "tick_row", {**found, "who": CUSTOMER}) if found else None

    def _coordinator(self) -> Step | None:
        """Move a date by up to two weeks, or leave a comment."""
        found = self._pick_row("DATE", lambda value: isinstance(value, str) and len(value) == 10)
        if found is None:
            return None
        if self._dice.random() < 0.3:
            args = {"sheet": found["sheet"], "row": found["row"], "text": self._dice.choice(_WORDS)}
            return self._do("smartsheet", "comment", {**args, "who": COORDINATOR})
        later = date.fromisoformat(found.pop("old")) + timedelta(days=self._dice.randint(-3, 14))
        return self._do("smartsheet", "move_date", {**found, "value": later.isoformat(), "who": COORDINATOR})

    def _admin(self) -> Step | None:
        """Rename a column or a status, or back again."""
        statuses = self._seen.get("jira", {}).get("statuses") or {}
        if statuses and self._dice.random() < 0.3:
            number = self._dice.choice(sorted(statuses))
            return self._do("jira", "rename_status", {"status": number, "name": _other(statuses[number])})
        sheets = self._all("smartsheet", "sheets")
        if not sheets:
            return None
        sheet = self._dice.choice(sheets)
        column = self._dice.choice(sheet["columns"])
        args = {"sheet": sheet["id"], "column": column["id"], "title": _other(column["title"]), "who": ADMIN}
        return self._do("smartsheet", "rename_column", args)

    def _pick_row(self, kind: str, fits: Callable[[Any], bool]) -> dict[str, Any] | None:
        """Choose a row whose first column of that kind holds a fitting value; `old` is that value."""
        found: list[dict[str, Any]] = []
        for sheet in self._all("smartsheet", "sheets"):
            column = next((column for column in sheet["columns"] if column["type"] == kind), None)
            if column is None:
                continue
            for row in sheet["rows"]:
                old = row["cells"].get(column["title"])
                if row["cells"] and fits(old):
                    found.append({"sheet": sheet["id"], "row": row["id"], "column": column["id"], "old": old})
        return self._dice.choice(found) if found else None

    def _do(self, vendor: str, action: str, args: Mapping[str, Any]) -> Step | None:
        told = {name: value for name, value in args.items() if name != "old"}
        try:
            self._vendors[vendor].act(action, told)
        except (LookupError, ValueError):
            return None  # a person who is refused shrugs and leaves
        return {"vendor": vendor, "action": action, "args": told}

    def _all(self, vendor: str, kind: str) -> Sequence[Mapping[str, Any]]:
        found: Sequence[Mapping[str, Any]] = self._seen.get(vendor, {}).get(kind, ())
        return found


def _other(name: str) -> str:
    """Return a renamed name, or the first one again."""
    return name.removesuffix(RENAMED) if name.endswith(RENAMED) else name[: 50 - len(RENAMED)] + RENAMED
