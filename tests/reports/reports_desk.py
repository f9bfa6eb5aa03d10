"""An onboarding full of secrets, for tests of what reaches a customer: whatever is internal carries a mark."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from dossier_desk import changed, dossier_of, task

from connectors.base import TimeEntry
from mappings.calendar import BusinessCalendar
from mappings.hours import HourRules
from mappings.load import DEFAULT_MAPPINGS, load_mappings
from sync.core.dossier import Dossier, Logged, Task
from sync.core.health import Color, Override
from sync.core.judgement import Basis
from sync.core.model import Quarantine
from sync.reports.insight import Insight, insight
from sync.reports.page import Figures, Page, Table
from sync.reports.views import Acceptance, Asked

MARK = "zqsecret"
TODAY = date(2026, 11, 20)
KEY = f"006{MARK}0001"
ODD_SECONDS = (26316, 41508, 7236)
"""Of internal tasks: 7.31, 11.53 and 2.01 hours, which nothing else in these tests comes to."""
ODD = ("7.31", "11.53", "2.01", "918273645")
MAPPINGS = replace(
    load_mappings(DEFAULT_MAPPINGS),
    hours=HourRules(
        people={"tracker": {"u1": f"{MARK}-author@example.com"}}, roles={f"{MARK}-author@example.com": "trainer"}
    ),
    calendar=BusinessCalendar(),
)
WORD = Override(Color.RED, f"{MARK} said so", TODAY, f"{MARK}@example.com")


def look(known: Dossier, day: date = TODAY) -> Insight:
    """What is known of an onboarding on a day, a person's word for its health with it."""
    return insight(known, Basis(MAPPINGS, day), WORD)


ASKED = Asked(
    since=date(2026, 11, 2),
    month=date(2026, 11, 1),
    meeting=TODAY,
    acceptance=Acceptance("Dana Field", date(2026, 11, 19)),
)


def internal(number: int, start: date, due: date, **more: Any) -> Task:
    """A task of ours alone; its hours are odd ones."""
    name = f"{MARK} internal {number}"
    seconds = ODD_SECONDS[number % len(ODD_SECONDS)]
    given = {"phase": f"{MARK} phase", "owner": f"{MARK}{number}@example.com", "role": f"{MARK}_role", "critical": True}
    given |= {"urls": (f"https://{MARK}.example.com/{number}",), "tracked_seconds": seconds, "name": name}
    given |= {"audience": "internal", "estimated_hours": 918273645.0}
    return task(f"{MARK}_{number}", start, due, **{**given, **more})


def shared(item: str, start: date, due: date, **more: Any) -> Task:
    """A task that the customer sees; who has it and where it lives is ours."""
    given = {"audience": "both", "owner": f"{MARK}@example.com", "role": f"{MARK}_role", "depends_on": (f"{MARK}_0",)}
    given |= {"urls": (f"https://{MARK}.example.com/{item}",), "phase": "Work"}
    return task(item, start, due, **{**given, **more})


def secret(tasks: Sequence[Task], *, launched: bool = False, hidden_launch: bool = False) -> Dossier:
    """An onboarding with these tasks, in which all else is marked; `hidden_launch`: the launch is ours alone."""
    status = {"status": "done", "done_on": TODAY - timedelta(days=2)} if launched else {}
    launch = shared("launch", TODAY, TODAY, milestone=True, name="Acme is live", **status)
    if hidden_launch:
        launch = replace(launch, name=f"{MARK} launch", audience="internal")
    every = (*tasks, launch)
    logged = [_logged(number, each) for number, each in enumerate(every) if not each.milestone]
    history = [
        changed(TODAY - timedelta(days=3), each.item, field, old, new)
        for each in every
        for field, old, new in (
            ("name", f"{MARK} old name", each.name),
            ("owner", f"{MARK}@example.com", f"{MARK}2@example.com"),
            ("status", "not_started", each.status),
        )
    ]
    if launched:
        history.append(changed(TODAY - timedelta(days=2), "launch", "status", "in_progress", "done"))
    plan = {
        "title": f"Acme: {MARK} deal",
        "account": "Acme",
        "kickoff": date(2026, 9, 1),
        "target_launch": TODAY,
        "launch_item": "launch",
        "contracted_hours": 120.0,
        "terms_rates": (f"{MARK}_role 1 918273645",),
        "note": MARK,
    }
    deal = {"name": MARK, "amount": 918273645.0, "owner": f"{MARK}@example.com", "kickoff_notes": MARK, "stage": MARK}
    held = Quarantine(KEY, f"{MARK}_0", MARK, MARK, f"{MARK}-01", f"{MARK} is held", attempt=MARK)
    links = {"tracker": f"https://{MARK}.example.com"}
    rollup = {"Health__c": MARK}
    title, version = f"Acme: {MARK} deal", f"{MARK}1"
    return Dossier(
        KEY, title, "Acme", MARK, version, deal, plan, every, tuple(logged), tuple(history), (held,), rollup, links
    )


def _logged(number: int, each: Task) -> Logged:
    at = datetime.combine(TODAY - timedelta(days=5), time(12), UTC)
    seconds = each.tracked_seconds or 3600 * (number + 1)
    return Logged("tracker", TimeEntry(f"{MARK}{number}", MARK, "u1", seconds, at, at), KEY, each.item)


def text_of(data: bytes) -> str:
    """All that a file says: an archive's members are unpacked, folded lines unfolded."""
    if data.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = [name.encode() + b"\n" + archive.read(name) for name in archive.namelist()]
        data = b"\n".join(parts) + (archive.comment or b"")
    return data.decode("utf-8").replace("\r\n ", "")


def with_task(known: Dossier, *more: Task) -> Dossier:
    """The same onboarding with further tasks."""
    return replace(known, tasks=(*known.tasks, *more))


def logged(number: int, day: date, seconds: int, item: str = "go") -> Logged:
    at = datetime.combine(day, time(12), UTC)
    return Logged("tracker", TimeEntry(str(number), "1", "u1", seconds, at, at), "deal", item)


def worked(entries: list[tuple[date, int]], **plan: Any) -> Dossier:
    known = dossier_of(task("go", audience="both"), task("ours"), **plan)
    items = ("go", "ours", "")
    return replace(known, logged=tuple(logged(number, *each, items[number % 3]) for number, each in enumerate(entries)))


def table(page: Page, heading: str) -> list[tuple[Any, ...]]:
    (found,) = (block for block in page.blocks if isinstance(block, Table) and block.heading.startswith(heading))
    return list(found.rows)


def figure(page: Page, name: str) -> Any:
    (block,) = (block for block in page.blocks if isinstance(block, Figures))
    return next(each.value for each in block.figures if each.name == name)
