"""What was sold against what is planned, with the template itself as the judge."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from dossier_desk import dossier_of, task

from mappings.calendar import BusinessCalendar
from mappings.load import DEFAULT_MAPPINGS, load_mappings, load_templates
from mappings.model import Deal, Line
from mappings.scope import ScopeRules
from mappings.templates import PlanSpec, Template, instantiate, substance
from sync.core.dossier import Dossier
from sync.core.scope import check, missing_handoff, unplanned, unsold

CALENDAR = BusinessCalendar("US")
CLOSED = date(2026, 11, 2)

TEMPLATE = """
name: t
version: "1"
title: "{{ deal.account }}: {{ lines | map(attribute='product') | join(', ') }}"
launch_after_kickoff: 20
contracted_hours: "sum(lines.filter(l, l.family == 'Hours').map(l, l.quantity))"
phases: [Do]
groups:
  - phase: Do
    tasks:
      - {key: call, name: Call, hours: 2}
      - {key: launch, name: Launch, milestone: true}
  - phase: Do
    when: lines.exists(l, l.family == "SSO")
    tasks:
      - {key: sso, name: Set up, hours: 4}
  - phase: Do
    for_each: lines
    each: line.family == "Site"
    tasks:
      - {key: site, name: "{{ line.label }}", hours: 3}
"""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    file = tmp_path_factory.mktemp("t") / "t.yaml"
    Path(file).write_text(TEMPLATE, encoding="utf-8")
    (template,) = load_templates([file], load_mappings(DEFAULT_MAPPINGS))
    return template


@pytest.fixture(scope="module")
def making(template: Template) -> Any:
    return lambda deal: substance(template, deal, CALENDAR, kickoff=CLOSED)


@pytest.fixture(scope="module")
def made(template: Template) -> Any:
    return lambda deal: planned(instantiate(template, deal, CALENDAR, kickoff=CLOSED))


def deal(*lines: tuple[str, str, float], **fields: Any) -> Deal:
    sold = tuple(Line(product, product, family, quantity, 0.0) for product, family, quantity in lines)
    return Deal("k", "n", "Acme", "", CLOSED, None, fields, sold)


def planned(spec: PlanSpec, **changes: Any) -> Dossier:
    tasks = [
        task(each.key, each.start_target, each.due_target, estimated_hours=each.estimated_hours) for each in spec.tasks
    ]
    return dossier_of(*tasks, launch_item="launch", contracted_hours=spec.contracted_hours, **changes)


def test_a_product_that_changes_nothing_in_the_plan_is_sold_but_not_planned(making: Any) -> None:
    sold = deal(
        ("Key", "SSO", 1), ("Berlin", "Site", 1), ("Bonn", "Site", 2), ("Care", "Hours", 10), ("Gold", "Plan", 1)
    )
    assert unplanned(sold, making, ()) == ("Gold",)
    assert unplanned(sold, making, {"Plan"}) == ()
    assert unplanned(deal(("Gold", "Plan", 0)), making, ()) == ()


def test_two_lines_of_one_product_are_judged_together(making: Any) -> None:
    assert unplanned(deal(("Key", "SSO", 1), ("Key", "SSO", 5)), making, ()) == ()


def test_an_open_task_that_nothing_sold_asks_for_is_planned_but_not_sold(making: Any, made: Any) -> None:
    known = made(deal(("Key", "SSO", 1), ("Berlin", "Site", 1)))
    now = making(deal(("Berlin", "Site", 1)))
    assert [each.item for each in unsold(known, now)] == ["sso"]
    done = replace(known, tasks=tuple(replace(each, status="done") for each in known.tasks))
    assert unsold(done, now) == ()


def test_every_difference_has_its_code_and_says_what_to_do(making: Any, made: Any) -> None:
    sold = deal(("Berlin", "Site", 1), ("Gold", "Plan", 1), ("Care", "Hours", 4), notes="", budget=0)
    known = made(deal(("Key", "SSO", 1), ("Berlin", "Site", 1), ("Care", "Hours", 4)))
    late = tuple(replace(each, due_target=date(2027, 3, 3)) if each.item == "launch" else each for each in known.tasks)
    rules = ScopeRules(launch_days=120, handoff={"notes": "Kickoff_Notes__c", "budget": "Budget__c"})
    flags = check(replace(known, tasks=late), sold, making, rules=rules, calendar=CALENDAR)
    assert [(flag.code, flag.item) for flag in flags] == [
        ("SCOPE-UNPLANNED-01", ""),
        ("SCOPE-UNSOLD-01", "sso"),
        ("SCOPE-HOURS-01", ""),
        ("SCOPE-LAUNCH-01", ""),
        ("SCOPE-HANDOFF-01", "notes"),
    ]
    assert "9 hours, and 4 are contracted" in flags[2].text
    assert "121 days" in flags[3].text
    assert "Kickoff_Notes__c" in flags[4].text


def test_what_is_as_sold_has_no_flag(making: Any, made: Any) -> None:
    sold = deal(("Key", "SSO", 1), ("Care", "Hours", 10), notes="ring twice")
    rules = ScopeRules(launch_days=120, handoff={"notes": "Kickoff_Notes__c"})
    assert check(made(sold), sold, making, rules=rules, calendar=CALENDAR) == ()


def test_a_no_and_a_zero_are_filled_in() -> None:
    assert missing_handoff({"a": False, "b": 0, "c": "", "d": None}, ["a", "b", "c", "d", "e"]) == ("c", "d", "e")


def test_what_people_added_themselves_nobody_has_to_sell(making: Any, made: Any) -> None:
    sold = deal(("Berlin", "Site", 1), ("Care", "Hours", 10))
    known = made(deal(("Key", "SSO", 1), ("Berlin", "Site", 1), ("Care", "Hours", 10)))
    found = [
        [flag.item for flag in check(known, sold, making, rules=ScopeRules(), calendar=CALENDAR, added=added)]
        for added in ((), {"sso"})
    ]
    assert found == [["sso"], []]
