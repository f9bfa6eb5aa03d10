"""`doctor --missing` names just what Salesforce lacks, and the metadata that brings it is metadata that we ship."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from connectors.base import Finding, Level
from sync.demo.stage import Stage
from sync.doctor import examine, metadata, package

FOLDER = Path(__file__).parents[2] / "deploy" / "salesforce"
SPACE = "{http://soap.sforce.com/2006/04/metadata}"


def lacking(*names: str) -> dict[str, tuple[str, ...]]:
    return metadata([Finding(Level.ERROR, "SF-FIELD-01", "It is missing.", "Create it.", missing=n) for n in names])


def test_an_org_from_before_an_update_is_told_just_the_new_fields() -> None:
    with Stage() as stage:
        for name in ("Health_Reason__c", "Hours_Forecast__c"):
            stage.simulator.salesforce.act("hide_field", {"object": "Onboarding__c", "field": name})
        findings = [each for each in examine(stage.plant) if each.level is Level.ERROR]
    wanted = ["Onboarding__c.Health_Reason__c", "Onboarding__c.Hours_Forecast__c"]
    assert sorted(each.missing for each in findings) == wanted
    assert metadata(findings) == {"CustomField": tuple(wanted), "PermissionSet": ("Closedwon",)}


def test_an_org_without_the_object_is_told_all_of_it_and_every_member_is_in_our_folder() -> None:
    found = lacking("Onboarding__c", "Opportunity.Contracted_Hours__c")
    assert found["CustomObject"] == ("Onboarding__c",)
    assert found["PermissionSet"] == ("Closedwon", "Closedwon_Opportunity_Fields")
    files = {path.name for path in FOLDER.rglob("*-meta.xml")}
    assert {f"{name.partition('.')[2]}.field-meta.xml" for name in found["CustomField"]} <= files
    assert {f"{name}.permissionset-meta.xml" for name in found["PermissionSet"]} <= files
    shipped = {path.name for path in (FOLDER / "onboarding").rglob("*.field-meta.xml")}
    assert {f"{n.partition('.')[2]}.field-meta.xml" for n in found["CustomField"] if n.startswith("Onb")} == shipped


@pytest.mark.parametrize("name", ["Opportunity.My_Own__c", "Opportunity.Amount", "Somewhere__c"])
def test_what_we_do_not_ship_is_in_no_package(name: str) -> None:
    assert lacking(name) == {}


def test_the_package_is_what_the_metadata_api_reads() -> None:
    root = ET.fromstring(package(lacking("Onboarding__c.Health__c")))
    told = {
        str(each.findtext(f"{SPACE}name")): [member.text for member in each.iter(f"{SPACE}members")]
        for each in root.iter(f"{SPACE}types")
    }
    assert told == {"CustomField": ["Onboarding__c.Health__c"], "PermissionSet": ["Closedwon"]}
    assert root.findtext(f"{SPACE}version") == "67.0"
