"""What the CRM ought to show after a year, worked out from nothing but what the vendors hold.

Called by `bench/year.py`. It reads the simulator's dump alone and does its own arithmetic: nothing of the product is
imported here, so that a mistake of the product's cannot be made twice. Hours are hours, days ISO texts as in the CRM.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

import holidays

Dump = Mapping[str, Any]

PLAN = "plan"
PRODUCT = "closedwon@example.com"
"""The user as whom the product works."""
LAUNCHES = ("launch", "in_service")
"""The items of the two templates by which an onboarding is live."""
_HOUR = 3600
_LONGEST = 24 * _HOUR


@dataclass
class Task:
    """One task, put together from its issue and its row."""

    name: str = ""
    done: bool = False
    cancelled: bool = False
    milestone: bool = False
    due: str = ""
    hours: float = 0.0
    resolved: int | None = None
    """When Jira saw it done, in milliseconds."""


@dataclass
class Plan:
    """Everything at the vendors that bears one deal's key."""

    epics: list[Dump] = field(default_factory=list)
    sheets: list[Dump] = field(default_factory=list)
    tasks: dict[str, Task] = field(default_factory=lambda: defaultdict(Task))
    places: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How often an item stands at a vendor."""
    differing: list[str] = field(default_factory=list)
    """Items whose issue and row do not agree."""
    worklogs: list[Dump] = field(default_factory=list)


def plans(jira: Dump, smartsheet: Dump) -> dict[str, Plan]:
    """Put every plan together by the keys in Jira's issue properties and in the sheets' hidden column."""
    found: dict[str, Plan] = defaultdict(Plan)
    for issue in jira["issues"]:
        deal, _, item = _key_of(issue).partition(":")
        if item == PLAN:
            found[deal].epics.append(issue)
            found[deal].worklogs += issue["worklogs"]
        elif deal:
            _take_issue(found[deal], item, issue)
    rows: dict[tuple[str, str], list[Dump]] = defaultdict(list)
    for sheet in smartsheet["sheets"]:
        deal, _, item = str(sheet["name"]).rpartition(" · ")[2].partition(":")
        holds = {deal} if item == PLAN else set()
        for row in sheet["rows"]:
            deal, _, item = str(row["cells"].get("Closedwon key", "")).partition(":")
            if item:
                rows[deal, item].append(row)
                holds |= {deal} if row["created_by"] == PRODUCT and not _is_of_one(sheet) else set()
        for deal in holds:
            found[deal].sheets.append(sheet)
    for (deal, item), shown in rows.items():
        made = [row for row in shown if row["created_by"] == PRODUCT]
        found[deal].places[item, "smartsheet"] += max(1, len(made))  # what people copy is no doubling of ours
        _take_row(found[deal], item, (made or shown)[0]["cells"])
    return dict(found)


def _is_of_one(sheet: Dump) -> bool:
    """Tell whether a sheet is one onboarding's own."""
    return str(sheet["name"]).endswith(f":{PLAN}")


def _key_of(issue: Dump) -> str:
    return str(issue["properties"].get("closedwon", {}).get("key", ""))


def _take_issue(plan: Plan, item: str, issue: Dump) -> None:
    cancelled = issue["status"] == "Cancelled"
    plan.places[item, "jira"] += 1
    plan.worklogs += issue["worklogs"]
    plan.tasks[item] = Task(
        name=issue["values"]["summary"],
        done=issue["category"] == "done" and not cancelled,
        cancelled=cancelled,
        milestone=issue["type"] == "Milestone",
        due=str(issue["values"].get("duedate") or ""),
        hours=(issue["original_estimate"] or 0) / _HOUR,
        resolved=issue["resolved"],
    )


def _take_row(plan: Plan, item: str, cells: Mapping[str, Any]) -> None:
    status = cells.get("Status")
    shown = Task(
        name=str(cells.get("Task") or ""),
        done=status == "Done",
        cancelled=status == "Cancelled",
        due=str(cells.get("Due") or ""),
        hours=float(cells.get("Estimated hours") or 0),
    )
    at_jira = plan.tasks.get(item)
    if at_jira is None:
        plan.tasks[item] = shown
    elif (at_jira.done, at_jira.due) != (shown.done, shown.due):
        plan.differing.append(f"{item}: {at_jira} in Jira, {shown} in Smartsheet")


def doubled(found: Mapping[str, Plan], salesforce: Dump) -> Iterator[str]:
    """Tell of every deal that has two of anything: epics, sheets, tasks, onboardings."""
    onboardings = Counter(row["Deal_Key__c"] for row in _living(salesforce, "Onboarding__c"))
    for deal, plan in sorted(found.items()):
        numbers = {"epics": len(plan.epics), "sheets": len(plan.sheets), "onboardings": onboardings[deal]}
        numbers |= {f"of {item} at {vendor}": number for (item, vendor), number in plan.places.items()}
        for name, number in numbers.items():
            if number > 1:
                yield f"{deal} has {number} {name}"


def unplanned(found: Mapping[str, Plan], salesforce: Dump) -> list[str]:
    """Return the deals that are won and have no plan."""
    won = [row["Id"] for row in _living(salesforce, "Opportunity") if row["IsWon"]]
    return sorted(deal for deal in won if deal not in found or not found[deal].epics)


def rollups_off(found: Mapping[str, Plan], salesforce: Dump, today: date) -> Iterator[str]:
    """Tell of every onboarding of a living, won deal whose values in the CRM are not what they ought to be."""
    shown = {row["Deal_Key__c"]: row for row in _living(salesforce, "Onboarding__c")}
    for deal in _living(salesforce, "Opportunity"):
        key = deal["Id"]
        if not deal["IsWon"] or key not in found:
            continue
        if wrong := _off(shown.get(key, {}), found[key], deal, today):
            yield f"{key}: {wrong}"


def _off(row: Dump, plan: Plan, deal: Dump, today: date) -> str:
    expected = expectation(plan, deal, today)
    wrong = {name: (row.get(name), value) for name, value in expected.items() if row.get(name) != value}
    texts = [f"{name} is {is_!r} and should be {should!r}" for name, (is_, should) in wrong.items()]
    open_ = [task for task in plan.tasks.values() if not task.done and not task.cancelled]
    late = sum(1 for task in open_ if task.due and date.fromisoformat(task.due) < today) / len(open_) if open_ else None
    least = least_health(row, expected, late, today)
    if row.get("Health__c") not in COLORS[COLORS.index(least) :]:
        texts.append(f"Health__c is {row.get('Health__c')!r} and should be {least!r} or worse")
    if not row.get("Health_Reason__c"):
        texts.append("Health_Reason__c is empty")
    launch = next((plan.tasks[item] for item in LAUNCHES if item in plan.tasks), Task())
    texts += outlook_off(row, expected, resolved=launch.resolved, open_tasks=len(open_), today=today)
    return ", ".join(texts)


COLORS = ("Green", "Amber", "Red")
_SEEN_WITHIN = timedelta(days=4)
"""Within so many days the product has seen a launch, whatever failed at a look."""
_A_LONG_WEEKEND = timedelta(days=5)
"""So many days have a business day among them, whatever the holidays."""
_LEEWAY = 1
"""Business days by which counting may differ at a weekend's edge."""


# -- forecasts are drawn, nobody else can work them out again: but what has come true is known, and colours follow rules


def outlook_off(
    row: Mapping[str, Any], expected: Mapping[str, Any], *, resolved: int | None, open_tasks: int, today: date
) -> Iterator[str]:
    """Tell what is wrong with the forecasts; `resolved` is when Jira saw the launch done, in milliseconds."""
    p50, p80, hours = (row.get(name) for name in ("Forecast_Launch__c", "Forecast_Launch_P80__c", "Hours_Forecast__c"))
    worked = expected["Hours_Tracked__c"]
    if (p50 is None) is not (p80 is None) or (p50 and p80 and p50 > p80):
        yield f"the forecasts do not fit together: P50 {p50}, P80 {p80}"
        return
    if hours is not None and (hours < worked or (open_tasks == 0 and hours != worked)):
        yield f"Hours_Forecast__c is {hours}, with {worked} worked and {open_tasks} tasks open"
    if expected["Status__c"] == "Launched":
        if hours is None:
            yield "Hours_Forecast__c is empty although it has launched"
        if resolved is not None:
            yield from _launch_off(p50, p80, datetime.fromtimestamp(resolved / 1000, UTC).date())
    elif p50 is not None:
        if date.fromisoformat(p50) < today:
            yield f"Forecast_Launch__c is {p50}, which is over, and nothing launched"
        if open_tasks == 0:
            yield f"Forecast_Launch__c is {p50} with no task open"
        if hours is None:
            yield "Hours_Forecast__c is empty where a launch is forecast"


def _launch_off(p50: str | None, p80: str | None, launched: date) -> Iterator[str]:
    if p50 != p80 or p50 is None or not launched <= date.fromisoformat(p50) <= launched + _SEEN_WITHIN:
        yield f"it launched on {launched}; Forecast_Launch__c is {p50}, P80 {p80}"


def least_health(row: Mapping[str, Any], expected: Mapping[str, Any], late: float | None, today: date) -> str:
    """Return the best colour that the published rules allow by what the vendors show.

    `late` is the share of the open tasks that are overdue, None where none is open. `row` gives the forecasts alone.
    """
    contracted, worked = expected["Hours_Contracted__c"], expected["Hours_Tracked__c"]
    ranks = [0]
    if contracted:
        ranks.append(_rank(worked / contracted, amber=0.85, above=1.0))
        ranks.append(_rank((row.get("Hours_Forecast__c") or 0) / contracted, amber=1.0, above=1.2))
    if expected["Status__c"] != "Launched" and late is not None:
        ranks.append(2 if late >= 0.4 else int(late >= 0.1))
        ranks += _ranks_by_target(row, expected["Target_Launch__c"], today)
    return COLORS[max(ranks)]


def _ranks_by_target(row: Mapping[str, Any], target: str | None, today: date) -> Iterator[int]:
    if target is None:
        return
    day = date.fromisoformat(target)
    if day < today - _A_LONG_WEEKEND:
        yield 2
    if p50 := row.get("Forecast_Launch__c"):
        behind = _business_days(day, date.fromisoformat(p50)) - _LEEWAY
        yield 2 if behind >= 10 else int(behind >= 1)
    if p80 := row.get("Forecast_Launch_P80__c"):
        yield int(_business_days(day, date.fromisoformat(p80)) - _LEEWAY >= 5)


def _rank(share: float, *, amber: float, above: float) -> int:
    return 2 if share > above else int(share >= amber)


def _business_days(after: date, until: date) -> int:
    """Count the days from Monday to Friday, holidays left out, after one day and up to and with another."""
    days = (after + timedelta(days=number + 1) for number in range((until - after).days))
    return sum(1 for day in days if day.weekday() < 5 and day not in _holidays(day.year))


@cache
def _holidays(year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("US", years=year))


def expectation(plan: Plan, deal: Dump, today: date) -> dict[str, Any]:
    """Return what the CRM ought to show of one onboarding."""
    live = {item: task for item, task in plan.tasks.items() if not task.cancelled}
    open_ = [task for task in live.values() if not task.done]
    done = len(live) - len(open_)
    worked = counted_seconds(plan, today)
    contracted = deal["Contracted_Hours__c"]
    launch = next((live[item] for item in LAUNCHES if item in live), None)
    milestones = sorted((task.due, task.name) for task in open_ if task.milestone and task.due)
    launched = launch.done if launch else bool(live) and not open_
    return {
        "Name": str(plan.epics[0]["values"]["summary"])[:80] if plan.epics else None,
        "Opportunity__c": deal["Id"],
        "Status__c": "Launched" if launched else "In Progress" if done or worked else "Not Started",
        "Percent_Complete__c": round(100 * done / len(live), 2) if live else 0,
        "Tasks_Done__c": done,
        "Tasks_Total__c": len(live),
        "Hours_Contracted__c": contracted,
        "Hours_Estimated__c": round(sum(task.hours for task in live.values()), 2),
        "Hours_Tracked__c": round(worked / _HOUR, 2),
        "Hours_Remaining__c": None if contracted is None else round((contracted * _HOUR - worked) / _HOUR, 2),
        "Target_Launch__c": launch.due if launch else None,
        "Next_Milestone__c": milestones[0][1][:255] if milestones else None,
        "Next_Milestone_Date__c": milestones[0][0] if milestones else None,
        "Plan_Id__c": plan.epics[0]["id"] if plan.epics else None,
        "Sheet_Id__c": str(plan.sheets[0]["id"]) if plan.sheets else None,
    }


def counted_seconds(plan: Plan, today: date) -> int:
    """Sum the time on a plan's epic and tasks, without what nobody can have meant."""
    return sum(log["seconds"] for log in plan.worklogs if _can_be_meant(log, today))


def _can_be_meant(log: Dump, today: date) -> bool:
    day = datetime.strptime(log["started"], "%Y-%m-%dT%H:%M:%S.%f%z").astimezone(UTC).date()
    return 0 < log["seconds"] <= _LONGEST and date(2000, 1, 1) <= day <= today + timedelta(days=1)


def seconds_by_issue(jira: Dump) -> Counter[str]:
    """Return the seconds of each issue that has worklogs, whomever it belongs to."""
    seconds: Counter[str] = Counter()
    for issue in jira["issues"]:
        for log in issue["worklogs"]:
            seconds[issue["id"]] += log["seconds"]
    return seconds


def _living(salesforce: Dump, kind: str) -> list[Dump]:
    return [row for row in salesforce["records"].get(kind, {}).values() if not row["IsDeleted"]]
