"""Deals that change after their plan was made: the same plan changes along, by policy or once a person has agreed."""

from __future__ import annotations

from datetime import date

import pytest
from amend_life import Sold

from sync.core import amendment


def test_an_unchanged_deal_is_not_worked_out_anew(quick: Sold, monkeypatch: pytest.MonkeyPatch) -> None:
    remembered = quick.known.deal
    assert [text for text in remembered["lines"] or () if "CRM link" in str(text)]  # type: ignore[union-attr]
    monkeypatch.setattr(amendment, "instantiate", None)  # whoever asked it would fail
    assert quick.look().writes == 0
    assert quick.known.deal == remembered


def test_a_line_sold_in_addition_waits_for_a_person_and_then_joins_the_same_plan(sold: Sold) -> None:
    sold.add_line()
    sold.rest()
    assert sold.told() == [("add", "build.erp_link", "")]
    assert sold.waiting()["reasons"][-1] == "line added: ERP link, 1"
    assert "build.erp_link" not in sold.known.base
    sold.check()
    report = sold.decide()
    assert (report.created["tracker"], report.created["sheets"], report.planned) == (1, 1, 0)
    assert sold.task("build.erp_link")["estimated_hours"] == 4
    assert sold.codes() == []
    assert [(event.item, event.source) for event in sold.amended() if not event.field] == [("build.erp_link", "mona")]
    assert sold.stage.plant.store.kept("amendment") == ()
    sold.check()


def test_a_line_no_longer_sold_cancels_its_task_once_a_person_agrees_and_deletes_nothing(sold: Sold) -> None:
    (line,) = sold.lines()
    sold.add_line()
    sold.rest()
    sold.decide()
    sold.crm("remove_line", id=line)
    sold.rest()
    assert sold.told() == [("drop", "build.crm_link", "")]
    sold.decide()
    assert sold.task("build.crm_link")["status"] == "cancelled"
    assert sold.known.rollup["Tasks_Total__c"] == 3
    sold.check()


def test_a_begun_task_that_is_no_longer_sold_is_left_to_a_person(quick: Sold) -> None:
    quick.jira("set_status", "build.crm_link", status="In Progress")
    quick.rest()
    quick.add_line()
    quick.rest()
    quick.decide()
    quick.crm("remove_line", id=quick.lines()[0])
    quick.rest()
    assert quick.told() == [("keep", "build.crm_link", "")]
    quick.decide()
    assert quick.task("build.crm_link")["status"] == "in_progress"
    assert quick.codes() == []
    quick.check()


def test_owners_hours_and_names_change_by_themselves_where_people_left_them_alone(sold: Sold) -> None:
    sold.edit(Contracted_Hours__c=60)
    assert sold.plan["contracted_hours"] == 60
    assert sold.known.rollup["Hours_Contracted__c"] == 60
    cleo = sold.crm("create_record", object="User", fields=_user("cleo@example.com"))["id"]
    sold.edit(OwnerId=cleo)
    assert sold.task("call")["owner"] == "cleo@example.com"
    assert sold.task("build.crm_link")["owner"] == "ben@example.com"
    assert {event.source for event in sold.amended()} == {"engine"}
    assert sold.codes() == []
    sold.check()


def test_a_moved_launch_moves_what_nobody_moved_once_a_person_agrees(quick: Sold) -> None:
    quick.jira("edit_issue", "call", fields={"duedate": "2026-12-24"})
    quick.rest()
    quick.edit(CloseDate="2026-11-09")
    assert ("change", "launch", "due_target") in quick.told()
    assert not any(kind == "keep" for kind, *_ in quick.told())
    before = quick.task("launch")["due_target"]
    quick.decide()
    assert quick.task("launch")["due_target"] > before
    assert quick.task("launch")["due_baseline"] == quick.task("launch")["due_target"]
    assert quick.task("call")["due_target"] == date(2026, 12, 24)
    quick.check()


def test_a_rejected_diff_stays_away_and_a_different_one_comes(quick: Sold) -> None:
    quick.add_line()
    quick.rest()
    quick.decide(apply=False)
    assert quick.codes() == []
    quick.edit(Name="Renamed")
    assert quick.codes() == []
    assert quick.plan["title"] == "Acme: Renamed"
    quick.add_line("Shop link")
    quick.rest()
    assert quick.told() == [("add", "build.shop_link", "")]
    quick.decide()
    assert "build.erp_link" not in quick.known.base
    assert quick.codes() == []
    quick.check()


def test_part_of_a_diff_can_be_applied_while_the_rest_waits(quick: Sold) -> None:
    quick.add_line()
    quick.add_line("Shop link")
    quick.rest()
    quick.decide(only=("build.erp_link",))
    assert quick.told() == [("add", "build.shop_link", "")]
    assert "build.erp_link" in quick.known.base
    quick.crm("remove_line", id=quick.lines()[1])
    quick.rest()
    assert sorted(quick.told()) == [("add", "build.shop_link", ""), ("drop", "build.erp_link", "")]
    quick.decide()
    assert quick.task("build.erp_link")["status"] == "cancelled"
    quick.check()


def test_what_is_applied_already_follows_the_deal_on_while_something_else_waits(quick: Sold) -> None:
    quick.add_line()
    quick.edit(Contracted_Hours__c=60)
    assert (quick.plan["contracted_hours"], quick.codes()) == (60, ["AMEND-01"])
    quick.edit(Contracted_Hours__c=40)
    assert quick.plan["contracted_hours"] == 40
    assert quick.codes() == ["AMEND-01"]
    quick.check()


def test_a_line_changed_back_leaves_nothing_to_decide(quick: Sold) -> None:
    line = quick.add_line()
    quick.rest()
    assert quick.codes() == ["AMEND-01"]
    quick.crm("remove_line", id=line)
    quick.rest()
    assert quick.codes() == []
    quick.check()


def test_a_cancelled_task_is_taken_up_again_when_its_line_is_sold_again(quick: Sold) -> None:
    line = quick.add_line()
    quick.rest()
    quick.decide()
    quick.crm("remove_line", id=line)
    quick.rest()
    quick.decide()
    assert quick.task("build.erp_link")["status"] == "cancelled"
    quick.add_line()
    quick.rest()
    assert quick.told() == [("change", "build.erp_link", "status")]
    quick.decide()
    assert quick.task("build.erp_link")["status"] == "not_started"
    quick.check()


def _user(email: str) -> dict[str, str]:
    return {"LastName": email.partition("@")[0], "Username": email, "Email": email}
