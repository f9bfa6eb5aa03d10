"""Roll-ups may go to custom fields of the opportunity itself, and then never to Salesforce's own fields."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from connectors.base import DealQuery, Failed, Kind, Level, Upsert
from mappings.load import DEFAULT_MAPPINGS
from simulator.salesforce.schema import Field
from sync.demo.stage import Stage
from sync.engine.daily import roll_on

OURS = {
    "Onboarding_Health__c": Field(name="Onboarding_Health__c", type="string", length=20),
    "Onboarding_Done__c": Field(name="Onboarding_Done__c", type="double", precision=6, scale=0),
    "Onboarding_Why__c": Field(name="Onboarding_Why__c", type="string", length=255),
    "Onboarding_Plan__c": Field(name="Onboarding_Plan__c", type="string", length=64),
    "Onboarding_Sheet__c": Field(name="Onboarding_Sheet__c", type="string", length=64),
}
SECTION = {
    "health": {"type": "text", "at": {"crm": "Onboarding_Health__c"}},
    "health_reason": {"type": "text", "at": {"crm": {"field": "Onboarding_Why__c", "truncate": 255}}},
    "tasks_done": {"type": "number", "at": {"crm": {"field": "Onboarding_Done__c", "digits": 0}}},
    "plan_id": {"type": "text", "at": {"crm": "Onboarding_Plan__c"}},
    "sheet_id": {"type": "text", "at": {"crm": "Onboarding_Sheet__c"}},
}


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    yaml = YAML()
    document = yaml.load(DEFAULT_MAPPINGS)
    document["objects"]["onboarding"]["fields"] = SECTION
    mapping = Path(tmp_path_factory.mktemp("mapping")) / "mapping.yaml"
    yaml.dump(document, mapping)
    made = Stage(crm={"onboarding_object": "Opportunity"}, mapping=str(mapping))
    for name, field in OURS.items():
        field.label = name
        made.simulator.salesforce.org.schema.typed("Opportunity").fields[name.lower()] = field
    with made:
        made.sweep()
        made.win(name="Deal", account="Acme")
        made.settle()
        made.sweep()
        made.settle()
        made.sweep()
        yield made


def test_the_deal_itself_shows_its_roll_up_and_a_second_look_writes_nothing(stage: Stage) -> None:
    (record,) = stage.plant.connections["crm"].inventory()
    assert record.write_key == record.ref.id == stage.plant.store.keys()[0]
    assert (record.fields["Onboarding_Health__c"], record.fields["Onboarding_Done__c"]) == ("green", 0)
    assert record.fields["Onboarding_Plan__c"]
    assert stage.prove().sound
    stage.settle()
    assert stage.sweep().writes == 0, "our own write makes the deal look changed, and is nobody's change"
    assert not [each for each in stage.plant.connections["crm"].check() if each.level is Level.ERROR]


def test_a_day_that_passed_reaches_the_deal_too(stage: Stage) -> None:
    stage.sleep(20 * 86_400.0)
    assert roll_on(stage.plant.engine, stage.plant.store).rollups == 1
    (record,) = stage.plant.connections["crm"].inventory()
    assert record.fields["Onboarding_Health__c"] == "amber"
    assert stage.prove().sound


def test_the_deal_leads_to_its_plan_by_its_own_fields(stage: Stage) -> None:
    crm = stage.plant.connections["crm"]
    (record,) = crm.inventory()
    (deal,) = crm.deals(DealQuery(ids=(record.ref.id,))).records
    assert [link["Onboarding_Plan__c"] for link in deal.links] == [record.fields["Onboarding_Plan__c"]]


def test_salesforces_own_fields_are_never_a_roll_ups(stage: Stage) -> None:
    key = stage.plant.store.keys()[0]
    (result,) = stage.plant.connections["crm"].write([Upsert(key, Kind.ONBOARDING, {"StageName": "Prospecting"})])
    assert isinstance(result, Failed)
    assert result.error.code == "SF-STANDARD-01"
