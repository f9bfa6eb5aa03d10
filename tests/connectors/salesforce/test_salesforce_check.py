from __future__ import annotations

import pytest

from connectors.base import DictMemory, Kind, Level
from simulator.salesforce import describe
from simulator.salesforce.schema import Field

STATUSES = ("Not Started", "In Progress", "On Hold", "Launched", "Cancelled")


def faults(crm):
    return [finding for finding in crm.check() if finding.level is not Level.OK]


def test_an_org_that_is_set_up_gives_only_ok_lines_and_says_who_we_are(rig):
    findings = list(rig.connect(choices={"Status__c": STATUSES}).check())
    assert {finding.level for finding in findings} == {Level.OK}
    assert [finding.code for finding in findings] == [
        "SF-LOGIN-00",
        "SF-VERSION-00",
        "SF-FIELD-00",
        "SF-FIELD-00",
        "SF-KEY-00",
        "SF-RELATION-00",
        "SF-READONLY-00",
        "SF-PICKLIST-00",
        "SF-LIMIT-00",
    ]
    assert rig.org.id in findings[0].message


def test_a_failed_sign_in_is_a_finding_with_its_repair(rig):
    [finding] = rig.connect(client_secret="wrong").check()
    assert finding.level is Level.ERROR
    assert finding.code == "SF-LOGIN-01"
    assert "client_secret" in finding.repair


def test_a_retired_api_version_is_a_finding(rig):
    assert [finding.code for finding in faults(rig.connect(api_version="30.0"))] == ["SF-VERSION-01"]


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("Opportunity", "Contracted_Hours__c"),
        ("Account", "Name"),
        ("Product2", "Family"),
        ("Onboarding__c", "Hours_Tracked__c"),
    ],
)
def test_each_hidden_field_is_named_with_the_permission_to_grant(rig, name, field):
    rig.org.hide_field(name, field)
    [finding] = faults(rig.connect())
    assert finding.code == "SF-FIELD-01"
    assert field in finding.message
    assert "permission set" in finding.repair


def test_a_field_that_cannot_be_written_is_found(rig):
    fields = {Kind.DEAL: ("Name",), Kind.ONBOARDING: ("Name", "Opportunity__c", "CreatedDate")}
    [finding] = faults(rig.connect(fields=fields))
    assert finding.code == "SF-READONLY-01"
    assert "Onboarding__c.CreatedDate" in finding.message


def add_field(rig, kind, field):
    rig.org.schema.typed(kind).fields[field.name.lower()] = field


@pytest.mark.parametrize("lacking", ["createable", "updateable"])
def test_a_field_must_be_writable_both_in_a_new_record_and_in_an_old_one(rig, lacking):
    add_field(rig, "Onboarding__c", Field(name="Half__c", **{lacking: False}))
    [finding] = faults(
        rig.connect(fields={Kind.DEAL: ("Name",), Kind.ONBOARDING: ("Name", "Opportunity__c", "Half__c")})
    )
    assert finding.code == "SF-READONLY-01"
    assert "Half__c" in finding.message


def test_a_compound_field_is_found_before_it_is_read(rig, monkeypatch):
    monkeypatch.setitem(describe._SOAP, "address", "urn:address")
    add_field(rig, "Account", Field(name="BillingAddress", type="address"))
    crm = rig.connect(fields={Kind.DEAL: ("Name", "Account.BillingAddress"), Kind.ONBOARDING: ("Name",)})
    [finding] = faults(crm)
    assert finding.code == "SF-COMPOUND-01"
    assert "Account.BillingCity" in finding.repair


def test_a_required_field_that_nothing_is_mapped_to_is_found(rig):
    add_field(rig, "Onboarding__c", Field(name="Sponsor__c", nillable=False))
    [finding] = faults(rig.connect())
    assert finding.code == "SF-REQUIRED-01"
    assert "Onboarding__c.Sponsor__c" in finding.message


def test_a_key_too_short_for_a_deals_id_is_found(rig):
    add_field(rig, "Onboarding__c", Field(name="Short__c", length=15, external_id=True, unique=True))
    [finding] = faults(rig.connect(onboarding_key="Short__c"))
    assert finding.code == "SF-KEY-03"


def test_a_vendor_that_fails_in_the_middle_of_the_look_is_a_finding(rig):
    rig.fail("server_unavailable", "GET */sobjects/Account/describe", times=None)
    findings = list(rig.connect().check())
    assert findings[0].code == "SF-LOGIN-00"
    assert findings[-1].level is Level.ERROR
    assert findings[-1].code == "SF-BUSY-01"


def test_a_key_that_is_not_unique_is_found(rig):
    [finding] = [f for f in faults(rig.connect(onboarding_key="Plan_Id__c")) if f.code.startswith("SF-KEY")]
    assert finding.code == "SF-KEY-02"
    assert "Unique" in finding.repair


def test_a_key_that_is_missing_is_found(rig):
    assert "SF-KEY-01" in {finding.code for finding in faults(rig.connect(onboarding_key="Nothing__c"))}


def test_a_missing_onboarding_object_is_named(rig):
    [finding] = faults(rig.connect(onboarding_object="Launch__c"))
    assert finding.code == "SF-OBJECT-01"
    assert "Launch__c" in finding.message


def test_a_wrong_child_relationship_is_found(rig):
    [finding] = faults(rig.connect(onboarding_relationship="Launches__r"))
    assert finding.code == "SF-RELATION-01"
    assert "Launches" in finding.repair


def test_a_picklist_that_lacks_a_value_of_the_mapping_is_found(rig):
    [finding] = faults(rig.connect(choices={"Status__c": (*STATUSES, "Paused")}))
    assert finding.code == "SF-PICKLIST-01"
    assert "'Paused'" in finding.message
    assert finding.level is Level.ERROR


def test_a_low_allotment_is_a_warning(rig):
    rig.vendor.knobs["api_used"] = 95_000
    [finding] = faults(rig.connect())
    assert (finding.code, finding.level) == ("SF-LIMIT-01", Level.WARNING)


def test_an_allotment_that_we_may_not_see_is_a_warning(rig):
    rig.fail("error", "GET */limits", args={"status": 403, "code": "INSUFFICIENT_ACCESS"})
    [finding] = faults(rig.connect())
    assert (finding.code, finding.level) == ("SF-ACCESS-01", Level.WARNING)


def test_an_expired_token_does_not_spoil_the_look_at_the_allotment(rig):
    rig.fail("session_expired", "GET */limits")
    assert faults(rig.connect()) == []
    assert rig.logins() == 2


def test_without_an_onboarding_object_nothing_is_asked_of_it(rig):
    codes = {finding.code for finding in rig.connect(onboarding_object="").check()}
    assert "SF-KEY-00" not in codes
    assert "SF-LIMIT-00" in codes


def test_describe_shows_fields_paths_choices_and_lengths(rig):
    schema = rig.connect().describe()
    deal = {field.name: field for field in schema.objects[Kind.DEAL]}
    line = {field.name: field for field in schema.objects[Kind.LINE]}
    onboarding = {field.name: field for field in schema.objects[Kind.ONBOARDING]}
    assert deal["Account.Name"].writable is False
    assert deal["Owner.Email"].type == "email"
    assert "Product2.Family" in line
    assert onboarding["Status__c"].options == STATUSES
    assert onboarding["Next_Milestone__c"].max_length == 255
    assert onboarding["Deal_Key__c"].unique is True
    assert onboarding["Hours_Tracked__c"].writable is True
    assert onboarding["CreatedDate"].writable is False


def test_a_description_that_did_not_change_is_not_sent_again(rig):
    crm = rig.connect()
    first = crm.describe()
    rig.world.log.clear()
    second = crm.describe()
    statuses = {status for _, endpoint, _, status in rig.world.log if "describe" in endpoint}
    assert second == first
    assert statuses == {304}


def test_a_field_added_to_the_org_shows_in_the_next_description(rig):
    crm = rig.connect()
    crm.describe()
    rig.world.clock.advance(60)
    rig.org.hide_field("Onboarding__c", "Health__c")
    assert "Health__c" not in {field.name for field in crm.describe().objects[Kind.ONBOARDING]}


def test_digits_once_described_are_known_after_a_restart_without_a_call(rig):
    memory = DictMemory()
    rig.connect(memory=memory).describe()
    before = rig.calls()
    restarted = rig.connect(memory=memory)
    assert restarted.normalise(Kind.ONBOARDING, {"Hours_Tracked__c": 0.125}) == {"Hours_Tracked__c": 0.13}
    assert rig.calls() == before
