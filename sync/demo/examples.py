"""Writes an example of every report, from seventeen weeks of five made-up onboardings.

Called by `closedwon report examples`. The same bytes every time: virtual time, one seed, no address of this machine.
docs/reports holds what it writes, and a test compares.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from connectors.base import Value
from sync.core.judgement import Basis
from sync.core.model import PLAN_ITEM, Onboarding
from sync.demo.stage import Stage
from sync.engine.actions import add_tasks
from sync.engine.dossiers import dossiers
from sync.engine.lessons import lessons
from sync.reports.catalog import Audience, of_all, of_one
from sync.reports.insight import Insight, insight
from sync.reports.kept import keep_meeting, last_meeting
from sync.reports.markdown import markdown
from sync.reports.page import Page
from sync.reports.render import Format, render
from sync.reports.taking import take
from sync.reports.views import Acceptance, Asked

DAY = timedelta(days=1)
WEEKS = 17
LONGEST = 8 * 3600
"""Seconds that somebody logs at once."""
ENGINEERS, COORDINATOR = ("ada@example.com", "ben@example.com"), "cleo@example.com"
ADDRESSES = {"tracker": "https://example.atlassian.net/browse/", "sheets": "https://app.smartsheet.com/sheets/"}
FILLED = {
    1: "Send the list of all users | dan@example.com | {due} | customer",
    2: "Raise the limit of the trial import | ben@example.com | {due} | us",
    3: "Agree on who may approve invoices |  |  | both",
}


@dataclass(frozen=True, slots=True)
class Customer:
    """A made-up onboarding: the week of its deal, its customer's days of delay, what tasks take of their estimate."""

    name: str
    week: int
    late: int
    pace: float
    hours: int
    products: tuple[tuple[str, str, int], ...]
    never: tuple[str, ...] = ()
    """Items that nobody does."""


CUSTOMERS = (
    Customer("Harbour Freight Lines", 0, 0, 0.9, 120, (("Platform", "Subscription", 1), ("SSO", "SSO", 1))),
    Customer("Meridian Clinics", 0, 1, 1.0, 110, (("Platform", "Subscription", 1),)),
    Customer(
        name="Acme Corporation",
        week=4,
        late=6,
        pace=1.05,
        hours=110,
        products=(("Platform", "Subscription", 1), ("ERP connector", "Integration", 1)),
        never=("data_correction",),
    ),
    Customer("Isdom Telecom", 11, 2, 1.0, 40, (("Ethernet circuit 1G", "Circuit", 1),)),
    Customer("Konex", 15, 0, 1.0, 90, (("Platform", "Subscription", 1), ("Training day", "Training", 2))),
)
ACME, LAUNCHED = 2, 0


def write_examples(folder: Path) -> list[Path]:
    """Write all examples into a folder, and return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    with Stage() as stage:
        story = _Story(stage)
        story.live()
        files = dict(story.files())
        files["README.md"] = story.index(sorted(files)).encode()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return [folder / name for name in files]


class _Story:
    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.keys: dict[str, str] = {}
        self.filled = b""

    @property
    def today(self) -> date:
        return self.stage.clock.now().date()

    def live(self) -> None:
        """Let seventeen weeks pass: deals are won, people work until Friday, and on it all is brought about."""
        self.stage.sweep()
        for week in range(WEEKS):
            for customer in CUSTOMERS:
                if customer.week == week:
                    self._win(customer)
            self.stage.settle()
            self.stage.sweep()
            self._until(4)
            for customer in CUSTOMERS:
                if customer.week <= week:
                    self._work(customer)
            if week == WEEKS - 2:
                self._meet()
            if week == WEEKS - 1:
                self._slip()
            self.stage.settle()
            self.stage.sweep()
            if week < WEEKS - 1:
                self._until(7)

    def _until(self, weekday: int) -> None:
        """Sleep until nine o'clock of this week's day; 7 is the next Monday."""
        now = self.stage.clock.now()
        then = datetime.combine(now.date() + (weekday - now.weekday()) * DAY, time(9), now.tzinfo)
        self.stage.sleep(max(0.0, (then - now).total_seconds()))

    def _win(self, customer: Customer) -> None:
        lines = [
            {"product": product, "family": family, "quantity": quantity, "price": 9000.0}
            for product, family, quantity in customer.products
        ]
        given = {"account": customer.name, "owner": COORDINATOR, "hours": customer.hours, "lines": lines}
        self.keys[customer.name] = self.stage.win(name=f"{customer.products[0][0]} {2026}", **given)

    def _work(self, customer: Customer) -> None:
        """Close what was due by now, as late as this customer is, and log the time that it took."""
        key = self.keys[customer.name]
        known = self.stage.plant.store.load([key])[key]
        done = {item for item, fields in known.base.items() if fields.get("status") == "done"}
        for number, (item, fields) in enumerate(known.base.items()):
            due, audience = fields.get("due_target"), fields.get("audience")
            if item in {PLAN_ITEM, *customer.never} or item in done or not isinstance(due, date):
                continue
            before = fields.get("depends_on")
            waits = isinstance(before, tuple) and any(other in known.base and other not in done for other in before)
            late = customer.late if audience == "customer" else 0
            if waits or due + late * DAY > self.today:
                continue
            self._close(known, item, _number(fields.get("estimated_hours")) * customer.pace, number)
            done.add(item)

    def _close(self, known: Onboarding, item: str, hours: float, number: int) -> None:
        issue, row = (known.bound(name).get(item) for name in ("tracker", "sheets"))
        if issue is None and row is not None:
            place = {"sheet": int(row.ref.container), "row": int(row.ref.id)}
            self._act("smartsheet", "tick_row", **place, who="dan@example.com")
        if issue is None:
            return
        who = ENGINEERS[number % len(ENGINEERS)]
        left = round(hours * 4) * 900
        for back in range(10):
            seconds = min(left, LONGEST)
            if seconds:
                started = (self.stage.clock.now() - DAY * back).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
                self._act("jira", "log_time", issue=issue.ref.id, seconds=seconds, who=who, started=started)
            left -= seconds
        self._act("jira", "close_task", issue=issue.ref.id, who=who)

    def _act(self, vendor: str, action: str, **args: Any) -> None:
        with self.stage.simulator.world.lock:
            self.stage.simulator.vendors[vendor].act(action, args)

    def _slip(self) -> None:
        """Have Acme's launch put off by a week, and the final import blocked."""
        known = self.stage.plant.store.load([self._key(ACME)])[self._key(ACME)]
        row = known.bound("sheets")["launch"].ref
        place = {"sheet": int(row.container), "row": int(row.id)}
        due = known.base["launch"]["due_target"]
        assert isinstance(due, date)
        later = (due + 7 * DAY).isoformat()
        self._act("smartsheet", "move_date", **place, column="Due", value=later, who=COORDINATOR)
        issue = known.bound("tracker")["final_import"].ref.id
        self._act("jira", "set_status", issue=issue, status="Blocked", who=ENGINEERS[1])

    def _meet(self) -> None:
        """Hold a meeting with Acme, and take its minutes."""
        key, store = self._key(ACME), self.stage.plant.store
        stub = markdown(of_one("minutes", Audience.CUSTOMER, self._seen(key), Asked(meeting=self.today)))
        for number, row in FILLED.items():
            filled = row.format(due=(self.today + 14 * DAY).isoformat())
            stub = stub.replace(f"| {number} |  |  |  |  |", f"| {number} | {filled} |")
        self.filled = stub.encode()
        minutes = take(self.filled, self.today)
        add_tasks(store, key, minutes.tasks(self.stage.plant.mappings.task), owner="examples")
        keep_meeting(store, key, minutes.meeting)

    def _key(self, number: int) -> str:
        return self.keys[CUSTOMERS[number].name]

    def _seen(self, key: str) -> Insight:
        return next(self._all([key]))

    def _all(self, keys: list[str] | None = None) -> Iterator[Insight]:
        """Return what is known, with addresses as real vendors have them."""
        plant = self.stage.plant
        learned = lessons(plant.store, plant.mappings.calendar, self.today)
        basis = Basis.of(plant.engine.context(), learned.experience, today=self.today)
        for known in dossiers(plant.store, keys):
            links = {name: ADDRESSES[name] + url.rpartition("/")[2] for name, url in known.links.items()}
            yield insight(replace(known, links=links), basis)

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Yield every example: the name of its file, and what is in it."""
        for name, page in self._pages():
            forms = set(Format) if page.dates else set(Format) - {Format.ICS}
            for form in sorted(forms):
                yield f"{name}.{form}", render(page, form)
        yield "minutes-filled.md", self.filled

    def index(self, names: list[str]) -> str:
        """Return the page that leads to all of them."""
        pages = {name: f"{page.title}. {page.subtitle}" for name, page in self._pages()}
        lines = [
            "# Examples of reports",
            "",
            "Written by `closedwon report examples --out docs/reports`; see [reports.md](../reports.md).",
            "",
        ]
        lines += ["| Report | Says | Files |", "|---|---|---|"]
        for name, says in pages.items():
            files = " · ".join(
                f"[{each.rpartition('.')[2]}]({each})" for each in names if each.rpartition(".")[0] == name
            )
            lines.append(f"| {name} | {says} | {files} |")
        lines.append(
            "| minutes-filled | What comes back, and is taken with `report minutes --take` | [md](minutes-filled.md) |"
        )
        return "\n".join([*lines, ""])

    def _pages(self) -> Iterator[tuple[str, Page]]:
        acme, live = self._seen(self._key(ACME)), self._seen(self._key(LAUNCHED))
        last = last_meeting(self.stage.plant.store, self._key(ACME), self.today)
        asked = Asked(since=last, month=self.today.replace(day=1) - DAY, meeting=self.today)
        launched = live.known.actual_launch
        accepted = Asked(acceptance=Acceptance("Dana Field", launched) if launched else None)
        for audience in Audience:
            for report in ("weekly", "agenda", "minutes", "calendar", "hours"):
                yield f"{report}-{audience}", of_one(report, audience, acme, asked)
            yield f"evidence-{audience}", of_one("evidence", audience, live, accepted)
        for report in ("weekly", "hours"):
            yield f"{report}-portfolio", of_all(report, self._all(), self.today, asked)


def _number(value: Value) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
