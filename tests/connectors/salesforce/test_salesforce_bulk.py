from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from connectors.base import Failed, Kind, Update, Written
from connectors.errors import TryLater
from connectors.salesforce.bulk import JOB_CALLS

JOBS = "POST */jobs/ingest"
UPLOAD = "PUT */jobs/ingest/{id}/batches"
STATE = "PATCH */jobs/ingest/{id}"
LOOK = "GET */jobs/ingest/{id}"


@pytest.fixture
def crm(rig):
    return rig.connect(bulk_above=5)


@pytest.fixture
def deals(rig):
    return [rig.win(f"Deal {n}", lines=[]) for n in range(6)]


def test_a_batch_above_the_threshold_goes_by_one_job(rig, crm, deals, upsert):
    writes = [upsert(deal, Hours_Tracked__c=1.5, Forecast_Launch__c=date(2027, 1, 4)) for deal in deals]
    results = list(crm.write(writes))
    assert all(isinstance(result, Written) for result in results)
    assert {result.ref.id for result in results} == {row["Id"] for row in rig.onboardings()}
    assert rig.onboardings()[0]["Hours_Tracked__c"] == 1.5
    assert rig.calls() == JOB_CALLS == crm.price(writes)


def test_a_batch_at_the_threshold_goes_by_collections(rig, crm, deals, upsert):
    writes = [upsert(deal) for deal in deals[:5]]
    list(crm.write(writes))
    assert rig.calls() == 1 == crm.price(writes)


def test_updates_by_id_never_go_by_a_job(rig, crm, deals, upsert):
    made = list(crm.write([upsert(deal) for deal in deals]))
    before = rig.calls()
    writes = [Update(r.write.write_key, Kind.ONBOARDING, r.ref, {"Status__c": "On Hold"}) for r in made]
    assert all(isinstance(result, Written) for result in crm.write(writes))
    assert rig.calls() - before == 1


def test_a_job_leaves_alone_what_a_write_does_not_name_and_empties_what_it_empties(rig, crm, deals, upsert):
    list(
        crm.write([upsert(deal, Next_Milestone__c='Go-live, then "party"', Status__c="In Progress") for deal in deals])
    )
    assert rig.onboardings()[0]["Next_Milestone__c"] == 'Go-live, then "party"'
    writes = [
        upsert(deal, **({"Next_Milestone__c": None} if n else {"Status__c": "Launched"}))
        for n, deal in enumerate(deals)
    ]
    list(crm.write(writes))
    rows = {row["Deal_Key__c"]: row for row in rig.onboardings()}
    assert rows[deals[0]]["Next_Milestone__c"] == 'Go-live, then "party"'
    assert rows[deals[0]]["Status__c"] == "Launched"
    assert rows[deals[1]]["Next_Milestone__c"] is None
    assert rows[deals[1]]["Status__c"] == "In Progress"


def test_a_bad_record_of_a_job_is_refused_with_its_code_and_field(rig, crm, deals, upsert):
    writes = [upsert(deal) for deal in deals]
    writes[2] = replace(writes[2], fields={**writes[2].fields, "Status__c": "Nearly there"})
    results = list(crm.write(writes))
    [bad] = [result for result in results if isinstance(result, Failed)]
    assert (bad.error.code, bad.error.field) == ("SF-PICKLIST-01", "Status__c")
    assert len(rig.onboardings()) == 5


def test_a_job_that_takes_its_time_is_waited_for(rig, crm, deals, upsert):
    rig.vendor.knobs["bulk_seconds"] = 40
    assert all(isinstance(result, Written) for result in crm.write([upsert(deal) for deal in deals]))
    assert 40 <= sum(rig.slept) < 60


def test_a_job_that_takes_too_long_is_called_off_and_tried_later(rig, deals, upsert):
    rig.vendor.knobs["bulk_seconds"] = 3600
    results = list(rig.connect(bulk_above=5, bulk_wait=60).write([upsert(deal) for deal in deals]))
    assert {result.error.code for result in results} == {"SF-BULK-01"}
    rig.world.clock.advance(7200)
    assert rig.onboardings() == []


def test_a_job_that_fails_as_a_whole_is_taken_over_record_by_record(rig, crm, deals, upsert):
    writes = [upsert(deal) for deal in deals]
    writes[2] = replace(writes[2], fields={**writes[2].fields, "No_Such__c": 1})
    results = list(crm.write(writes))
    [bad] = [result for result in results if isinstance(result, Failed)]
    assert (bad.error.code, bad.error.field) == ("SF-FIELD-01", "No_Such__c")
    assert len(rig.onboardings()) == 5


def test_a_record_that_a_job_could_not_lock_is_written_after_it(rig, crm, deals, upsert):
    rig.vendor.knobs["bulk_seconds"] = 0
    rig.fail("lock_row", STATE, args={"k": 3})
    assert all(isinstance(result, Written) for result in crm.write([upsert(deal) for deal in deals]))
    assert len(rig.onboardings()) == 6


@pytest.mark.parametrize("endpoint", [JOBS, UPLOAD, STATE, LOOK, "GET */jobs/ingest/{id}/successfulResults"])
@pytest.mark.parametrize("fault", ["drop_before", "drop_after", "session_expired"])
def test_a_job_broken_at_any_step_still_leaves_each_onboarding_once(rig, crm, deals, upsert, endpoint, fault):
    rig.fail(fault, endpoint)
    results = list(crm.write([upsert(deal) for deal in deals]))
    assert rig.world.faults.hits == {fault: 1}
    assert all(isinstance(result, Written) for result in results)
    assert len(rig.onboardings()) == 6


def test_a_page_in_place_of_a_jobs_results_is_not_taken_for_success(rig, crm, deals, upsert):
    rig.fail("html", "GET */jobs/ingest/{id}/successfulResults", args={"status": 200}, times=None)
    results = list(crm.write([upsert(deal) for deal in deals]))
    assert {type(result.error) for result in results} == {TryLater}
