"""Each published rule at its threshold, the reason in words, and a person's word against it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from dossier_desk import dossier_of, task

from mappings.calendar import BusinessCalendar
from mappings.load import DEFAULT_MAPPINGS, load_mappings
from mappings.practice import Court, CourtRules, HealthRules, Threshold
from sync.core.court import Courts, courts
from sync.core.dossier import Dossier
from sync.core.health import Color, Health, Outlook, Override, health
from sync.core.judgement import Basis
from sync.core.notices import NoticeRules, Rung, Standing, find
from sync.core.scope import LATE, OVER, UNPLANNED, Flag
from sync.reports.insight import insight
from sync.reports.viewing import internal_view
from sync.reports.views import Asked

CALENDAR = BusinessCalendar("US")
TODAY = date(2026, 11, 9)
LAUNCH = task("launch", date(2026, 12, 1), date(2026, 12, 1), milestone=True)


def judged(known: Dossier, outlook: Outlook | None = None, override: Override | None = None, **rules: Any) -> Health:
    return health(
        known,
        outlook or Outlook(),
        courts=courts(known, CourtRules(), CALENDAR, TODAY),
        rules=HealthRules(**rules),
        calendar=CALENDAR,
        today=TODAY,
        override=override,
    )


def plan(*tasks: Any) -> Dossier:
    return dossier_of(*tasks, LAUNCH, launch_item="launch")


@pytest.mark.parametrize(
    ("outlook", "color", "words"),
    [
        (Outlook(100, 84.9), "green", "Nothing is late or short."),
        (Outlook(100, 85), "amber", "85 of 100 contracted hours are used (85%)"),
        (Outlook(100, 100), "amber", "100 of 100 contracted hours are used (100%)"),
        (Outlook(100, 100.5), "red", "100.5 of 100 contracted hours are used (100%)"),
        (Outlook(100, 10, hours_p50=110), "amber", "110 hours are forecast at completion, 110% of the 100 contracted"),
        (Outlook(100, 10, hours_p50=121), "red", "121 hours are forecast at completion, 121% of the 100 contracted"),
        (Outlook(launch_p50=date(2026, 12, 1)), "green", "Nothing is late or short."),
        (
            Outlook(launch_p50=date(2026, 12, 2)),
            "amber",
            "Forecast launch 2026-12-02 is 1 business day after the target",
        ),
        (Outlook(launch_p50=date(2026, 12, 15)), "red", "Forecast launch 2026-12-15 is 10 business days after"),
        (
            Outlook(launch_p80=date(2026, 12, 8)),
            "amber",
            "One launch in five like this comes after 2026-12-08, 5 business",
        ),
        (Outlook(scope=(Flag(UNPLANNED, "x"),)), "amber", "1 product that was sold is not planned"),
        (
            Outlook(scope=(Flag(UNPLANNED, "x"), Flag(UNPLANNED, "y"), Flag(OVER, ""), Flag(LATE, ""))),
            "amber",
            "2 products that were sold are not planned, more hours are planned than contracted, the target launch lies",
        ),
        (Outlook(0, 50), "green", "Nothing is late or short."),
    ],
)
def test_what_is_forecast_and_used_is_judged_at_its_threshold(outlook: Outlook, color: str, words: str) -> None:
    found = judged(plan(), outlook)
    assert (found.color, found.computed) == (color, color)
    assert found.reason.startswith(words)


def test_a_launch_whose_day_has_passed_is_red() -> None:
    missed = task("launch", date(2026, 11, 6), date(2026, 11, 6), milestone=True)
    found = judged(dossier_of(missed, launch_item="launch"))
    assert found.color is Color.RED
    assert "the target launch of 2026-11-06 passed 1 business day ago" in found.reason.lower()


def test_after_the_launch_nothing_is_late_any_more() -> None:
    done = task(
        "launch", date(2026, 11, 6), date(2026, 11, 6), milestone=True, status="done", done_on=date(2026, 11, 9)
    )
    overdue = task("review", date(2026, 11, 2), date(2026, 11, 2))
    assert judged(dossier_of(overdue, done, launch_item="launch")).color is Color.GREEN


def test_overdue_and_critical_tasks_and_a_silent_customer_are_named() -> None:
    known = plan(
        task("a", date(2026, 10, 26), date(2026, 10, 26), critical=True),
        task("b", date(2026, 10, 26), date(2026, 11, 2), audience="customer"),
        *(task(f"later{n}", date(2026, 11, 20), date(2026, 11, 20)) for n in range(8)),
    )
    found = {each.rule: each.text for each in judged(known).findings}
    assert found == {
        "overdue_share": "2 of 11 open tasks are overdue",
        "critical_days_overdue": "critical: A is 10 business days overdue",
        "customer_days_silent": "5 business days are lost in the customer's court: B",
    }


def test_a_rule_without_thresholds_says_nothing_and_the_worst_colour_gives_the_reason() -> None:
    late = plan(task("a", date(2026, 10, 1), date(2026, 10, 1), critical=True))
    calm = judged(late, critical_days_overdue=Threshold(), overdue_share=Threshold(amber=0.5))
    assert (calm.color, calm.reason) == (Color.AMBER, "1 of 2 open tasks are overdue")
    loud = judged(late, overdue_share=Threshold(amber=0.5))
    assert (loud.color, loud.reason) == (Color.RED, "Critical: A is 26 business days overdue")  # Columbus Day


def test_an_override_shows_until_its_day_with_what_was_computed_beside_it() -> None:
    word = Override(Color.GREEN, "The customer agreed to a later date", date(2026, 11, 9), "cleo@example.com")
    found = judged(plan(), Outlook(100, 90), word)
    assert (found.color, found.computed) == (Color.GREEN, Color.AMBER)
    assert found.reason == (
        "The customer agreed to a later date (set by cleo@example.com until 2026-11-09; computed: amber: "
        "90 of 100 contracted hours are used (90%))"
    )
    past = Override(Color.GREEN, "x", date(2026, 11, 8), "y")
    assert judged(plan(), Outlook(100, 90), past).color is Color.AMBER


def test_the_clock_of_nobody_is_no_reason() -> None:
    assert Courts().lost(Court.CUSTOMER) == 0


def test_health_reports_and_notices_call_a_task_overdue_by_the_same_days_and_never_what_was_lost() -> None:
    late = task("a", date(2026, 10, 19), date(2026, 10, 23), audience="customer", critical=True, owner="it@acme.com")
    first = task("z", date(2026, 10, 1), date(2026, 10, 1), status="done", done_on=date(2026, 10, 21))
    known = plan(first, replace(late, depends_on=("z",)))
    texts = {each.rule: each.text for each in judged(known).findings}
    assert texts["critical_days_overdue"] == "critical: A is 11 business days overdue"
    assert texts["customer_days_silent"] == "9 business days are lost in the customer's court: A"
    seen = insight(known, Basis(replace(load_mappings(DEFAULT_MAPPINGS), calendar=CALENDAR), TODAY))
    assert {each.days_overdue for each in internal_view(seen, Asked()).tasks if each.open} == {11, None}
    told = Standing(known, courts(known, CourtRules(), CALENDAR, TODAY))
    (digest,) = find(
        [told],
        rules=NoticeRules(ladder=(Rung(11, "owner"),)),
        calendar=CALENDAR,
        today=TODAY,
        day_of=lambda _to: TODAY,
        told=frozenset(),
    )
    assert "11 business days overdue" in digest.lines[0]
    assert late.days_overdue(CALENDAR, date(2026, 10, 24)) == 0, "overdue on the Saturday after, by no business day"
    assert late.days_overdue(CALENDAR, date(2026, 10, 23)) is None
