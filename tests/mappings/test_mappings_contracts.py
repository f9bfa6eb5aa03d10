"""What files say of hours: every mistake at its place, and terms as the deal gives them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from mappings.calendar import BusinessCalendar
from mappings.hours import Rate, Rollover, Terms
from mappings.load import DEFAULT_MAPPINGS, load_mappings, load_templates
from mappings.model import Deal, HeldBack, MappingSet
from mappings.reading import Mistake
from mappings.templates import instantiate

KICKOFF = date(2026, 3, 9)
TEMPLATE = """
name: tiny
version: "1"
launch_after_kickoff: 20
roles: {architect: ada@example.com, trainer: ""}
phases: [One]
%s
groups:
  - phase: One
    tasks: [{key: first, name: First, billable: false}, {key: second, name: Second}]
"""


@pytest.fixture
def terms(tmp_path: Path, default: MappingSet, make_deal: Callable[..., Deal]) -> Callable[..., Terms]:
    def make(contracted: str, **fields: object) -> Terms:
        path = tmp_path / "tiny.yaml"
        path.write_text(TEMPLATE % contracted)
        (template,) = load_templates([path], default)
        return instantiate(template, make_deal(**fields), BusinessCalendar(), kickoff=KICKOFF).terms

    return make


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("", Terms(None)),
        ('contracted_hours: "12.0"', Terms(12)),
        ("contracted: {hours: 40}", Terms(40)),
        ('contracted: {hours: "8.0 * sum(lines.map(l, l.quantity))"}', Terms(24)),
        ("contracted: {hours: deal.amount / 100.0}", Terms(10)),
        ("contracted: {hours: 40, months: 3}", Terms(40, "term", KICKOFF, date(2026, 6, 8))),
        ("contracted: {hours: 5, per: month, starts: close}", Terms(5, "month", date(2026, 3, 2))),
        (
            "contracted: {hours: 5, per: quarter, starts: deal.close_date, months: 12, rollover: {hours: 2.5}}",
            Terms(5, "quarter", date(2026, 3, 2), date(2027, 3, 1), Rollover("hours", 2.5)),
        ),
        (
            "contracted: {hours: 5, per: month, rollover: {periods: 2}, rates: {architect: {weight: 1.5, price: 220}}}",
            Terms(5, "month", KICKOFF, None, Rollover("periods", 2), {"architect": Rate(1.5, 220)}),
        ),
    ],
)
def test_terms_are_those_of_the_template_and_the_deal(terms: Callable[..., Terms], said: str, expected: Terms) -> None:
    assert terms(said) == expected


def test_the_deals_own_hours_count_where_the_template_says_nothing(terms: Callable[..., Terms]) -> None:
    assert terms("", Contracted_Hours__c=30.0) == Terms(30)


@pytest.mark.parametrize(
    ("said", "fields", "why"),
    [
        ("contracted: {hours: 1, starts: deal.target_launch}", {}, "needs the date `deal.target_launch`"),
        (
            "contracted: {hours: 1, starts: kickoff, ends: deal.close_date}",
            {},
            "the contract ends on 2026-03-02, before it starts on 2026-03-09",
        ),
    ],
)
def test_a_deal_that_lacks_what_its_terms_are_made_of_is_held_back(
    terms: Callable[..., Terms], said: str, fields: dict[str, object], why: str
) -> None:
    with pytest.raises(HeldBack, match=why) as error:
        terms(said, **fields)
    assert error.value.code == "PLAN-VALUE-01"


def test_a_task_that_is_not_billable_says_so_in_its_plan(
    tmp_path: Path, default: MappingSet, make_deal: Callable[..., Deal]
) -> None:
    path = tmp_path / "tiny.yaml"
    path.write_text(TEMPLATE % "")
    (template,) = load_templates([path], default)
    spec = instantiate(template, make_deal(), BusinessCalendar(), kickoff=KICKOFF)
    assert [task.billable for task in spec.tasks] == [False, True]


@pytest.mark.parametrize(
    ("said", "line", "what"),
    [
        ("contracted: {hours: 1, per: week}", 7, "'week' is not allowed here"),
        ("contracted: {hours: deal.budget}", 7, "a deal has no field 'budget'"),
        ("contracted: {hours: 1, starts: deal.beginning}", 7, "deals have no field 'beginning'"),
        ("contracted: {hours: 1, ends: deal.end}", 7, "deals have no field 'end'"),
        ("contracted: {hours: 1, starts: tomorrow}", 7, "'tomorrow' has not the right form"),
        ("contracted: {hours: 1, ends: deal.close_date, months: 3}", 7, "the term ends twice"),
        ("contracted: {hours: 1, rates: {architekt: {weight: 2}}}", 7, "unknown role 'architekt'"),
        ("contracted: {hours: 1, rollover: all}", 7, "hours for the whole term have no later period to go to"),
        ("contracted: {hours: 1, per: month, rollover: {hours: 1, periods: 1}}", 7, "say either `hours` or `periods`"),
        ("contracted: {hours: 1, per: month, rollover: {}}", 7, "say either `hours` or `periods`"),
        ('contracted: {hours: 1}\ncontracted_hours: "2.0"', 8, "the contracted hours are said twice"),
    ],
)
def test_a_contract_that_has_no_sense_is_refused_at_its_place(
    mistakes_in: Callable[..., list[Mistake]], said: str, line: int, what: str
) -> None:
    (mistake,) = mistakes_in(TEMPLATE % said, "template")
    assert (mistake.line, mistake.what) == (line, what)


def hours(text: str) -> str:
    return DEFAULT_MAPPINGS.read_text().replace("\naudiences:", f"\nhours: {text}\naudiences:", 1)


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ("{zone: Mars/Olympus}", "there is no such time zone here"),
        ("{non_billable: {when: deal.won}}", "unknown variable 'deal' in `deal.won`"),
        ("{non_billable: {when: entry.hour > 1.0}}", "`entry` has no 'hour'"),
        ('{non_billable: {when: task.rolle == ""}}', "`task` has no 'rolle'"),
        ("{longest_hours: 0}", "input should be greater than 0, got 0"),
        ("{on_plan: ignored}", "'ignored' is not allowed here"),
    ],
)
def test_rules_for_hours_that_have_no_sense_are_refused(
    mistakes_in: Callable[..., list[Mistake]], said: str, what: str
) -> None:
    (mistake,) = mistakes_in(hours(said))
    assert mistake.what == what


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ("{type: text, direction: to ledger only, at: {sheets: Spent}}", "hours that people enter are plain numbers"),
        (
            "{type: number, direction: to ledger only, at: {sheets: A, tracker: B}}",
            "hours that people enter stand in one column",
        ),
        ("{type: number, direction: to ledger only, at: {ledger: B}}", "hours that people enter stand in one column"),
    ],
)
def test_a_column_of_hours_that_could_not_be_told_apart_is_refused(
    mistakes_in: Callable[..., list[Mistake]], said: str, what: str
) -> None:
    text = DEFAULT_MAPPINGS.read_text()
    assert what in [mistake.what for mistake in mistakes_in(f"{text.rstrip()}\n      hours_spent: {said}\n")]


def test_rules_for_hours_know_people_by_what_each_connection_calls_them(tmp_path: Path) -> None:
    path = tmp_path / "mappings.yaml"
    rules = "{zone: America/New_York, non_billable: {authors: [Ada@Example.com, 5b10X]}, unplanned: counted}"
    path.write_text(hours(rules).replace("roles: {}", "roles: {architect: Ada@example.com, trainer: ben@example.com}"))
    found = load_mappings(path).hours
    assert (found.zone.key, found.unplanned) == ("America/New_York", "counted")
    assert found.non_billable_authors == {"ada@example.com", "5b10X"}
    assert found.people["tracker"]["5b10a2844c20165700ede21g"] == "ada@example.com"
    assert found.roles == {"ada@example.com": "architect", "ben@example.com": "trainer"}
