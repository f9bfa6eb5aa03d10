"""The mapping file says whose court tasks are in and when health is amber or red; every mistake is told at its place."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from mappings.load import DEFAULT_MAPPINGS, Problems, load_mappings
from mappings.practice import ABOVE, RULES, Court, CourtRules, HealthRules, Threshold
from mappings.practices import HealthDoc
from sync.core.court import court_of


def mapping(folder: Path, sections: str) -> Path:
    """The mapping that comes with Closedwon, with sections of one's own."""
    text = DEFAULT_MAPPINGS.read_text(encoding="utf-8")
    begin, end = text.index("courts:"), text.index("# Where a task lives")
    path = folder / "mapping.yaml"
    path.write_text(text[:begin] + sections + "\n" + text[end:], encoding="utf-8")
    return path


def test_a_file_without_the_sections_has_the_rules_that_come_with_closedwon(tmp_path: Path) -> None:
    found = load_mappings(mapping(tmp_path, ""))
    assert (found.courts, found.health) == (CourtRules(), HealthRules())


def test_what_is_said_replaces_just_that(tmp_path: Path) -> None:
    sections = """
courts:
  statuses: {blocked: carrier}
  roles: {customer_it: customer}
  domains: [Acme.example]
health:
  days_forecast_late: {red: 20}
  hours_used: {amber: never}
  records_held: {amber: 1}
"""
    found = load_mappings(mapping(tmp_path, sections))
    assert found.courts == CourtRules(
        {"blocked": Court.CARRIER}, {"customer_it": Court.CUSTOMER}, frozenset({"acme.example"})
    )
    assert found.health.days_forecast_late == Threshold(1, 20)
    assert found.health.hours_used == Threshold(None, 1.0)
    assert found.health.records_held == Threshold(1, None)
    assert found.health.overdue_share == HealthRules().overdue_share


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        ("courts:\n  statuses: {blokked: carrier}\n", "tasks have no status 'blokked'. Did you mean 'blocked'?"),
        ("courts:\n  roles: {customer_it: theirs}\n", "us"),
        ("courts:\n  domains: [ada@acme.example]\n", "mapping.yaml:"),
        ("health:\n  hours_used: {amber: 1.5}\n", "hours_used is red from 1 on, and amber only from 1.5 on"),
        ("health:\n  days_late: {red: -1}\n", "mapping.yaml:"),
        ("health:\n  day_late: {red: 1}\n", "Did you mean 'days_late'?"),
    ],
)
def test_a_mistake_in_the_sections_is_told_at_its_place(tmp_path: Path, sections: str, words: str) -> None:
    with pytest.raises(Problems) as caught:
        load_mappings(mapping(tmp_path, sections))
    assert words in str(caught.value)
    assert len(caught.value.mistakes) == 1


def test_every_rule_of_health_has_its_place_in_the_file() -> None:
    assert [*HealthDoc.model_fields] == [each.name for each in fields(HealthRules)]


def test_a_templates_word_comes_after_the_status_and_before_all_else() -> None:
    rules = CourtRules(statuses={"blocked": Court.CUSTOMER}, roles={"noc": Court.US})
    asked = {"owner": "a@acme.example", "audience": "internal", "role": "noc", "court": "carrier"}
    assert court_of(rules, status="in_progress", **asked) is Court.CARRIER
    assert court_of(rules, status="blocked", **asked) is Court.CUSTOMER
    assert court_of(rules, status="in_progress", **{**asked, "court": ""}) is Court.US


def test_the_page_about_health_lists_the_rules_that_the_code_has() -> None:
    page = (Path(__file__).parents[2] / "docs" / "health.md").read_text(encoding="utf-8")
    listed = [line for line in page.splitlines() if line.startswith("| `")]
    assert listed == [f"| `{rule}` | {what} | {amber} | {red} |" for rule, what, amber, red in HealthRules().table()]
    assert RULES.keys() == {each.name for each in fields(HealthRules)}
    assert RULES.keys() >= ABOVE
