"""The metadata to deploy is what the mapping writes and what the simulator holds: names, types, sizes, rights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from defusedxml import ElementTree
from documents import ROOT

from connectors.base import Kind
from mappings.load import DEFAULT_MAPPINGS, load_mappings
from simulator.salesforce.objects import default_objects
from simulator.salesforce.schema import Field

FOLDER = ROOT / "deploy" / "salesforce"
SPACE = "{http://soap.sforce.com/2006/04/metadata}"
TYPES = {
    "Text": "string",
    "Number": "double",
    "Percent": "percent",
    "Date": "date",
    "Url": "url",
    "Lookup": "reference",
}
TYPES |= {"Picklist": "picklist", "LongTextArea": "textarea"}
REQUIRED = {"Name", "CloseDate", "StageName", "Quantity", "UnitPrice"}
"""Fields that everybody sees who sees the record; a permission set may not even name them."""
COMPUTED = {"IsWon", "TotalPrice", "ProductCode"}


def fields(package: str, kind: str) -> dict[str, Any]:
    folder = FOLDER / package / "main" / "default" / "objects" / kind / "fields"
    return {path.name.split(".")[0]: ElementTree.parse(path).getroot() for path in folder.iterdir()}


def text(element: Any, name: str) -> str | None:
    found = element.find(f"{SPACE}{name}")
    return None if found is None else found.text


def simulated(kind: str) -> dict[str, Field]:
    found = next(one for one in default_objects() if one.name == kind)
    return {field.name: field for field in found.fields.values() if field.name.endswith("__c")}


def permission_sets() -> Iterator[tuple[str, Any]]:
    for path in FOLDER.rglob("*.permissionset-meta.xml"):
        yield path.name.split(".")[0], ElementTree.parse(path).getroot()


def granted(name: str, right: str) -> set[str]:
    root = dict(permission_sets())[name]
    return {text(one, "field") or "" for one in root.iter(f"{SPACE}fieldPermissions") if text(one, right) == "true"}


@pytest.mark.parametrize(("package", "kind"), [("onboarding", "Onboarding__c"), ("opportunity-fields", "Opportunity")])
def test_the_fields_to_deploy_are_those_of_the_simulated_org(package: str, kind: str) -> None:
    there = simulated(kind)
    assert set(fields(package, kind)) == set(there)
    for name, element in fields(package, kind).items():
        field = there[name]
        assert text(element, "fullName") == name
        assert TYPES[text(element, "type") or ""] == field.type
        if field.type in {"string", "textarea"}:
            assert text(element, "length") == str(field.length)
        if field.type in {"double", "percent"}:
            assert (text(element, "precision"), text(element, "scale")) == (str(field.precision), str(field.scale))
        values = [text(value, "fullName") for value in element.iter(f"{SPACE}value")]
        assert values == [option.value for option in field.options]


def test_the_key_of_an_onboarding_is_an_external_id_unique_and_case_sensitive() -> None:
    key = fields("onboarding", "Onboarding__c")["Deal_Key__c"]
    assert [text(key, name) for name in ("externalId", "unique", "caseSensitive", "length")] == [
        "true",
        "true",
        "true",
        "18",
    ]


def test_the_opportunity_leads_to_its_onboardings_by_the_name_that_the_connector_expects() -> None:
    assert text(fields("onboarding", "Onboarding__c")["Opportunity__c"], "relationshipName") == "Onboardings"


def test_the_integration_user_may_write_every_mapped_field_of_an_onboarding_and_its_key() -> None:
    mapped = {f"Onboarding__c.{name}" for name in load_mappings(DEFAULT_MAPPINGS).onboarding.fields_of("crm")}
    wanted = mapped - {"Onboarding__c.Name"} | {"Onboarding__c.Deal_Key__c"}
    assert wanted == granted("Closedwon", "editable")


def test_the_integration_user_may_read_every_mapped_field_of_deals_and_lines() -> None:
    mappings = load_mappings(DEFAULT_MAPPINGS)
    own = {Kind.DEAL: "Opportunity", Kind.LINE: "OpportunityLineItem"}
    wanted = set()
    for kind, mapping in ((Kind.DEAL, mappings.deal), (Kind.LINE, mappings.lines)):
        for name in mapping.fields_of("crm"):
            parent, _, child = name.rpartition(".")
            wanted |= (
                {f"{parent}.{child}" if parent == "Product2" else f"{own[kind]}.{name}"}
                if parent in {"", "Product2"}
                else set()
            )
    seen = granted("Closedwon", "readable") | granted("Closedwon_Opportunity_Fields", "readable")
    lacking = {name for name in wanted - seen if name.split(".")[1] not in REQUIRED | COMPUTED}
    assert lacking == set()


def test_no_permission_set_lets_anybody_delete_or_edit_what_is_not_ours() -> None:
    for _, root in permission_sets():
        for one in root.iter(f"{SPACE}objectPermissions"):
            assert text(one, "allowDelete") == text(one, "modifyAllRecords") == "false"
            assert text(one, "allowEdit") == "false" or text(one, "object") == "Onboarding__c"
    assert granted("Closedwon_Readers", "editable") == granted("Closedwon_Opportunity_Fields", "editable") == set()


def test_every_file_to_deploy_is_well_formed() -> None:
    files = list(FOLDER.rglob("*.xml"))
    assert len(files) > 20
    for path in files:
        assert ElementTree.parse(path).getroot().tag.startswith(SPACE)
