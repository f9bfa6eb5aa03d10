from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from connectors.base import Create, Failed, Kind, Ref, Update, Upsert, Wanted, Written
from connectors.errors import NotAuthorised, Refused, TryLater

UPSERTS = "PATCH */composite/sobjects/Onboarding__c/Deal_Key__c"


def test_an_onboarding_is_made_once_and_changed_after(rig, upsert):
    deal = rig.win()
    crm = rig.connect()
    [made] = crm.write([upsert(deal, Status__c="Not Started")])
    [changed] = crm.write(
        [upsert(deal, Status__c="In Progress", Percent_Complete__c=12.5, Forecast_Launch__c=date(2027, 1, 4))]
    )
    assert isinstance(made, Written)
    assert isinstance(changed, Written)
    assert made.ref == changed.ref
    assert made.url.endswith(made.ref.id)
    [row] = rig.onboardings()
    assert row["Status__c"] == "In Progress"
    assert row["Percent_Complete__c"] == 12.5
    assert row["Deal_Key__c"] == deal


def test_a_first_backfill_costs_one_call_for_two_hundred_onboardings(rig, upsert):
    deals = [rig.win(f"Deal {n}", lines=[]) for n in range(401)]
    results = list(rig.connect().write([upsert(deal) for deal in deals]))
    assert all(isinstance(result, Written) for result in results)
    assert [result.write.write_key for result in results] == deals
    assert len(rig.onboardings()) == 401
    assert rig.calls() == 3


def test_an_empty_value_empties_the_field(rig, upsert):
    deal = rig.win()
    crm = rig.connect()
    list(crm.write([upsert(deal, Next_Milestone__c="Go-live")]))
    list(crm.write([upsert(deal, Next_Milestone__c=None)]))
    assert rig.onboardings()[0]["Next_Milestone__c"] is None


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("Status__c", "Nearly there", "SF-PICKLIST-01"),
        ("Next_Milestone__c", "x" * 256, "SF-LENGTH-01"),
        ("Tasks_Total__c", 10**9, "SF-RANGE-01"),
        ("Opportunity__c", "006000000000000AAA", "SF-GONE-01"),
        ("Hours_Tracked__c", "many", "SF-VALUE-01"),
        ("No_Such__c", 1, "SF-FIELD-01"),
    ],
)
def test_one_bad_record_is_refused_with_its_code_and_field_and_the_others_are_written(rig, upsert, field, value, code):
    deals = [rig.win(f"Deal {n}", lines=[]) for n in range(5)]
    writes = [upsert(deal) for deal in deals]
    writes[3] = replace(writes[3], fields={**writes[3].fields, field: value})
    results = list(rig.connect().write(writes))
    [bad] = [result for result in results if isinstance(result, Failed)]
    assert bad.write is writes[3]
    assert isinstance(bad.error, Refused)
    assert bad.error.code == code
    if code != "SF-VALUE-01":
        assert bad.error.field == field
    assert str(value) not in bad.error.message
    assert sum(isinstance(result, Written) for result in results) == 4
    assert len(rig.onboardings()) == 4


def test_a_hidden_field_fails_the_records_that_use_it_in_two_calls_not_hundreds(rig, upsert):
    deals = [rig.win(f"Deal {n}", lines=[]) for n in range(20)]
    rig.org.hide_field("Onboarding__c", "Hours_Tracked__c")
    writes = [upsert(deal, **({"Hours_Tracked__c": n} if n % 2 else {})) for n, deal in enumerate(deals)]
    results = list(rig.connect().write(writes))
    assert {result.error.field for result in results if isinstance(result, Failed)} == {"Hours_Tracked__c"}
    assert sum(isinstance(result, Written) for result in results) == 10
    assert rig.calls() == 2


def test_a_validation_rules_own_words_reach_the_operator(rig, upsert):
    rig.fail("validation_rule", UPSERTS, args={"k": 0, "message": "Launch needs a sponsor", "field": "Status__c"})
    [result] = rig.connect().write([upsert(rig.win())])
    assert result.error.code == "SF-VALIDATION-01"
    assert result.error.field == "Status__c"
    assert "Launch needs a sponsor" in result.error.message


def test_a_locked_row_is_written_by_a_second_smaller_call(rig, upsert):
    deals = [rig.win(f"Deal {n}", lines=[]) for n in range(60)]
    rig.fail("lock_row", UPSERTS, args={"k": [7, 8]})
    results = list(rig.connect().write([upsert(deal) for deal in deals]))
    assert all(isinstance(result, Written) for result in results)
    assert len(rig.onboardings()) == 60
    assert rig.calls() == 2
    assert rig.slept == [1.0]


def test_a_row_locked_for_long_is_left_for_later_and_alone(rig, upsert):
    first, second = rig.win("One"), rig.win("Two")
    rig.fail("lock_row", UPSERTS, args={"k": 0}, times=None)
    results = {r.write.write_key: r for r in rig.connect().write([upsert(first), upsert(second)])}
    assert isinstance(results[second], Written)
    error = results[first].error
    assert isinstance(error, TryLater)
    assert error.code == "SF-LOCK-01"
    assert error.scope == f"record:{first}"


def test_a_lock_inside_somebodys_trigger_is_a_lock_too(rig, upsert):
    message = "trigger failed: UNABLE_TO_LOCK_ROW, unable to obtain exclusive access"
    rig.fail("row_error", UPSERTS, args={"k": 0, "code": "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "message": message})
    [result] = rig.connect().write([upsert(rig.win())])
    assert isinstance(result, Written)


def test_the_loser_of_a_race_for_the_key_tries_once_more(rig, upsert):
    rig.fail("row_error", UPSERTS, args={"k": 0, "code": "DUPLICATE_VALUE", "message": "duplicate value found"})
    [result] = rig.connect().write([upsert(rig.win())])
    assert isinstance(result, Written)
    assert rig.calls() == 2


def test_a_value_that_another_record_holds_is_refused_after_the_second_try(rig, upsert):
    rig.fail("row_error", UPSERTS, args={"k": 0, "code": "DUPLICATE_VALUE"}, times=None)
    [result] = rig.connect().write([upsert(rig.win())])
    assert result.error.code == "SF-DUPLICATE-01"
    assert isinstance(result.error, Refused)
    assert rig.calls() == 2


def test_a_code_nobody_knows_is_shown_as_it_is(rig, upsert):
    rig.fail("row_error", UPSERTS, args={"k": 0, "code": "SOMETHING_NEW"})
    [result] = rig.connect().write([upsert(rig.win())])
    assert result.error.code == "SF-REFUSED-01"
    assert "SOMETHING_NEW" in result.error.message


@pytest.mark.parametrize("fault", ["drop_before", "drop_after", "truncate", "html"])
def test_a_broken_call_is_made_again_and_leaves_no_second_onboarding(rig, upsert, fault):
    deals = [rig.win("One"), rig.win("Two")]
    rig.fail(fault, UPSERTS)
    results = list(rig.connect().write([upsert(deal) for deal in deals]))
    assert all(isinstance(result, Written) for result in results)
    assert len(rig.onboardings()) == 2
    assert rig.calls() == 2


def test_a_page_of_html_after_the_commit_leaves_no_second_onboarding(rig, upsert):
    rig.fail("html", UPSERTS, after=True, args={"status": 200})
    [result] = rig.connect().write([upsert(rig.win())])
    assert isinstance(result, Written)
    assert len(rig.onboardings()) == 1


def test_a_call_that_commits_late_finds_its_record_already_there(rig, upsert):
    rig.fail("late_commit", UPSERTS, args={"seconds": 5})
    [result] = rig.connect().write([upsert(rig.win())])
    rig.world.clock.advance(10)
    assert isinstance(result, Written)
    assert len(rig.onboardings()) == 1


def test_a_token_that_expires_in_mid_batch_costs_one_sign_in_and_no_record(rig, upsert):
    deals = [rig.win(f"Deal {n}", lines=[]) for n in range(401)]
    rig.fail("session_expired", UPSERTS, skip=1, args={"forever": True})
    results = list(rig.connect().write([upsert(deal) for deal in deals]))
    assert all(isinstance(result, Written) for result in results)
    assert rig.logins() == 2
    assert rig.calls() == 4


def test_a_vendor_that_stays_away_fails_each_write_for_later_and_raises_nothing(rig, upsert):
    rig.fail("server_unavailable", UPSERTS, times=None)
    results = list(rig.connect().write([upsert(rig.win("One")), upsert(rig.win("Two"))]))
    assert [type(result.error) for result in results] == [TryLater, TryLater]
    assert rig.calls() == 4


def test_the_daily_allotments_end_is_not_slept_through(rig, upsert):
    rig.fail("total_limit", UPSERTS, times=None)
    [result] = rig.connect().write([upsert(rig.win())])
    assert result.error.code == "SF-LIMIT-01"
    assert result.error.delay >= 600
    assert rig.slept == []


def test_lost_permissions_stop_the_connection_and_are_not_tried_again(rig, upsert):
    rig.fail("error", UPSERTS, times=None, args={"status": 403, "code": "API_DISABLED_FOR_ORG"})
    [result] = rig.connect().write([upsert(rig.win())])
    assert isinstance(result.error, NotAuthorised)
    assert rig.calls() == 1


def test_an_answer_that_does_not_match_the_question_is_not_taken_for_success(rig, upsert):
    rig.fail("status", UPSERTS, args={"status": 200, "body": []})
    [result] = rig.connect().write([upsert(rig.win())])
    assert result.error.code == "SF-ANSWER-01"
    assert rig.onboardings() == []


def test_two_writes_of_one_record_go_out_in_two_calls_in_order(rig, upsert):
    deal = rig.win()
    results = list(rig.connect().write([upsert(deal, Status__c="In Progress"), upsert(deal, Status__c="Launched")]))
    assert [type(result) for result in results] == [Written, Written]
    assert rig.onboardings()[0]["Status__c"] == "Launched"
    assert rig.calls() == 2


def test_an_onboarding_is_also_updated_by_its_id(rig, upsert):
    deal = rig.win()
    crm = rig.connect()
    [made] = crm.write([upsert(deal)])
    [changed] = crm.write([Update(deal, Kind.ONBOARDING, made.ref, {"Status__c": "On Hold"})])
    assert changed.ref == made.ref
    assert rig.onboardings()[0]["Status__c"] == "On Hold"


def test_writes_that_salesforce_has_no_place_for_are_refused_without_a_call(rig, upsert):
    writes = [
        Create("k", Kind.TASK, {"Name": "x"}),
        Upsert("k", Kind.DEAL, {"Name": "x"}),
        Update("k", Kind.PLAN, Ref("1"), {"Name": "x"}),
    ]
    results = list(rig.connect().write(writes))
    assert {result.error.code for result in results} == {"SF-KIND-01"}
    assert rig.calls() == 0


def test_without_an_onboarding_object_an_upsert_is_refused(rig, upsert):
    [result] = rig.connect(onboarding_object="").write([upsert(rig.win())])
    assert result.error.code == "SF-KIND-01"


def test_many_threads_write_with_one_token(rig, upsert):
    deals = [rig.win(f"Deal {n}", lines=[]) for n in range(16)]
    crm = rig.connect()
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda deal: next(crm.write([upsert(deal)])), deals))
    assert all(isinstance(result, Written) for result in results)
    assert rig.logins() == 1
    assert len(rig.onboardings()) == 16


def test_values_are_normalised_as_salesforce_keeps_them(rig):
    crm = rig.connect()
    crm.describe()
    given = {
        "Name": "  Northwind ",
        "Next_Milestone__c": "",
        "Hours_Tracked__c": 10.125,
        "Tasks_Total__c": 3.0,
        "Forecast_Launch__c": date(2027, 1, 4),
        "Seen__c": datetime(2026, 1, 1, 9, 30, 15, 999, tzinfo=UTC),
        "Tags__c": ("a", "b"),
        "Done__c": True,
    }
    assert crm.normalise(Kind.ONBOARDING, given) == {
        "Name": "Northwind",
        "Next_Milestone__c": None,
        "Hours_Tracked__c": 10.13,
        "Tasks_Total__c": 3,
        "Forecast_Launch__c": date(2027, 1, 4),
        "Seen__c": datetime(2026, 1, 1, 9, 30, 15, tzinfo=UTC),
        "Tags__c": "a;b",
        "Done__c": True,
    }


def test_what_is_written_comes_back_as_normalise_said(rig, upsert):
    crm = rig.connect()
    crm.describe()
    deal = rig.win()
    write = upsert(deal, Hours_Tracked__c=10.128, Percent_Complete__c=33.333333, Next_Milestone__c="  Kickoff  ")
    list(crm.write([write]))
    [record] = crm.find([Wanted(deal, Kind.ONBOARDING, None, "")])
    expected = crm.normalise(Kind.ONBOARDING, write.fields)
    assert {name: record.fields[name] for name in expected} == expected


def test_two_records_of_one_key_are_refused_and_neither_is_touched(rig, upsert):
    deal = rig.win()
    rig.act("allow_duplicates", object="Onboarding__c", field="Deal_Key__c")
    for _ in range(2):
        rig.org.insert("Onboarding__c", {"Name": "Twin", "Opportunity__c": deal, "Deal_Key__c": deal})
    crm = rig.connect()
    [result] = crm.write([upsert(deal)])
    assert isinstance(result.error, Refused)
    assert result.error.code == "SF-DUPLICATE-01"
    assert [row["Name"] for row in rig.onboardings()] == ["Twin", "Twin"]
    assert len(list(crm.find([Wanted(deal, Kind.ONBOARDING, None, "")]))) == 2


def test_a_deal_deleted_meanwhile_refuses_its_own_update_only(rig):
    gone, there = rig.win("Gone"), rig.win("There")
    rig.act("delete_deal", id=gone)
    writes = [Update(deal, Kind.DEAL, Ref(deal), {"Contracted_Hours__c": 5}) for deal in (gone, there)]
    bad, good = rig.connect().write(writes)
    assert bad.error.code == "SF-GONE-01"
    assert isinstance(good, Written)


def test_a_field_that_vanishes_in_mid_run_fails_only_what_uses_it(rig, upsert):
    first, second = rig.win("One"), rig.win("Two")
    rig.fail("vanish_field", UPSERTS, args={"object": "Onboarding__c", "field": "Hours_Tracked__c"})
    bad, good = rig.connect().write([upsert(first, Hours_Tracked__c=2), upsert(second)])
    assert (bad.error.code, bad.error.field) == ("SF-FIELD-01", "Hours_Tracked__c")
    assert isinstance(good, Written)


def test_a_field_that_cannot_be_written_is_refused_by_name(rig, upsert):
    [result] = rig.connect().write([upsert(rig.win(), CreatedDate=date(2026, 1, 1))])
    assert (result.error.code, result.error.field) == ("SF-READONLY-01", "CreatedDate")


@pytest.mark.parametrize(
    ("fault", "args", "calls"),
    [
        ("total_limit", {}, 1),
        ("error", {"status": 403, "code": "API_DISABLED_FOR_ORG"}, 1),
        ("server_unavailable", {}, 4),
    ],
)
def test_a_failure_that_concerns_the_connection_is_not_met_again_by_each_call(rig, upsert, fault, args, calls):
    deals = [rig.win(f"Deal {n}", lines=[]) for n in range(401)]
    rig.fail(fault, UPSERTS, times=None, args=args)
    results = list(rig.connect().write([upsert(deal) for deal in deals]))
    assert [result.write.write_key for result in results] == deals
    assert all(isinstance(result, Failed) for result in results)
    assert rig.calls() == calls


def test_a_record_for_which_there_is_no_storage_does_not_halt_the_others(rig, upsert):
    rig.fail("row_error", UPSERTS, args={"k": 0, "code": "STORAGE_LIMIT_EXCEEDED"}, times=None)
    first, second = rig.win("One"), rig.win("Two")
    results = {r.write.write_key: r for r in rig.connect().write([upsert(first), upsert(second)])}
    assert results[first].error.code == "SF-STORAGE-01"
    assert isinstance(results[second], Written)
    assert rig.calls() == 1


def test_a_success_without_an_id_is_not_taken_for_one(rig, upsert):
    rig.fail("status", UPSERTS, args={"status": 200, "body": [{"success": True, "errors": []}]})
    [result] = rig.connect().write([upsert(rig.win())])
    assert result.error.code == "SF-ANSWER-01"
