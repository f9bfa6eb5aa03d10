"""What happens to deals in a CRM, one by one: never a second plan, nothing deleted, and what is meant comes through."""

from __future__ import annotations

from pathlib import Path

from amend_life import Sold
from ruamel.yaml import YAML

from mappings.load import DEFAULT_MAPPINGS
from sync.core.model import Commit, Priority
from sync.demo.stage import Stage, configuration

OTHER_ACCOUNT = "account: {type: text, at: {crm: Name}}"


def test_a_bounced_stage_holds_the_deal_and_the_same_plan_goes_on(quick: Sold) -> None:
    base = quick.known.base
    quick.crm("reopen_deal")
    quick.rest()
    assert quick.codes() == ["DEAL-GONE-01"]
    quick.crm("edit_deal", fields={"Contracted_Hours__c": 50})
    quick.rest()
    assert quick.known.base == base
    quick.edit(StageName="Closed Won")
    assert quick.codes() == []
    assert quick.plan["contracted_hours"] == 50
    quick.check()


def test_a_deleted_deal_deletes_nothing_and_goes_on_when_it_is_undeleted(quick: Sold) -> None:
    base, bindings = quick.known.base, quick.known.bindings
    quick.crm("delete_deal")
    quick.rest()
    assert quick.codes() == ["DEAL-GONE-01"]
    assert (quick.known.base, quick.known.bindings) == (base, bindings)
    quick.crm("undelete_deal")
    quick.rest()
    assert quick.codes() == []
    assert (quick.known.base, quick.known.bindings) == (base, bindings)
    quick.check()


def test_another_quantity_changes_the_estimate_that_nobody_changed(quick: Sold) -> None:
    (line,) = quick.lines()
    quick.crm("edit_record", object="OpportunityLineItem", fields={"Quantity": 3}, id=line)
    quick.rest()
    assert quick.task("build.crm_link")["estimated_hours"] == 12
    assert quick.codes() == []
    quick.check()


def test_an_estimate_that_people_changed_stays_theirs(quick: Sold) -> None:
    quick.jira("edit_issue", "build.crm_link", fields={"timetracking": {"originalEstimate": "5h"}})
    quick.rest()
    (line,) = quick.lines()
    quick.crm("edit_record", object="OpportunityLineItem", fields={"Quantity": 3}, id=line)
    quick.rest()
    assert quick.task("build.crm_link")["estimated_hours"] == 5
    quick.check()


def test_a_merged_account_renames_the_plan_and_the_tasks_that_bear_its_name(quick: Sold) -> None:
    merged = quick.crm("create_record", object="Account", fields={"Name": "Acme Group"})["id"]
    quick.edit(AccountId=merged)
    assert quick.plan["title"] == "Acme Group: First"
    assert quick.task("call")["name"] == "Call Acme Group"
    assert quick.known.rollup["Name"] == "Acme Group: First"
    site, state = quick.stage.simulator.jira.site, quick.stage.simulator.smartsheet.state
    assert [i.summary for i in site.issues.by_id.values() if i.type.name == "Epic"] == ["Acme Group: First"]
    assert [sheet.name.startswith("Acme Group: First") for sheet in state.sheets.values()] == [True]
    quick.check()


def test_what_the_template_does_not_ask_for_changes_nothing_and_is_remembered(quick: Sold) -> None:
    base = quick.known.base
    quick.edit(Kickoff_Notes__c="They move in May.")
    assert quick.known.base == base
    assert quick.known.deal["kickoff_notes"] == "They move in May."
    assert quick.codes() == []


def test_an_emptied_field_changes_nothing(quick: Sold) -> None:
    base, deal = quick.known.base, quick.known.deal
    quick.edit(Contracted_Hours__c=None)
    assert (quick.known.base, quick.known.deal) == (base, deal)
    quick.check()


def test_the_lines_of_an_older_onboarding_are_remembered_and_no_change_is_invented(quick: Sold) -> None:
    store = quick.stage.plant.store
    old = {name: value for name, value in quick.known.deal.items() if name != "lines" and not name.startswith("_")}
    store.request([quick.key], Priority.RECONCILE)
    (claim,) = store.claim("somebody", limit=1, lease_seconds=60)
    store.commit([Commit(claim, deal=old)])
    assert "lines" not in quick.known.deal
    quick.add_line()
    quick.rest()
    assert quick.codes() == []
    assert len(quick.known.deal["lines"] or ()) == 2  # type: ignore[arg-type]
    quick.check()


def test_an_edit_of_the_mapping_is_no_amendment(template: Path, tmp_path: Path) -> None:
    with Stage(templates=[str(template)]) as stage:
        sold = Sold(stage)
        base = sold.known.base
        other = tmp_path / "other.yaml"
        text = DEFAULT_MAPPINGS.read_text(encoding="utf-8")
        other.write_text(
            text.replace("account: {type: text, at: {crm: Account.Name}}", OTHER_ACCOUNT), encoding="utf-8"
        )
        assert OTHER_ACCOUNT in other.read_text(encoding="utf-8")
        with stage.config.open("w", encoding="utf-8") as file:
            YAML().dump(
                configuration(stage.simulator.urls, stage.store, templates=[str(template)], mapping=str(other)), file
            )
        stage.plant.close()
        stage.plant = stage.open()
        assert sold.look().writes == 0
        assert sold.known.base == base
        assert sold.known.deal["account"] == "First"
        sold.edit(Contracted_Hours__c=70)
        assert sold.plan["contracted_hours"] == 70
        assert sold.known.base["call"] == base["call"]
        sold.check()


def test_what_people_made_of_an_epics_or_a_sheets_name_outlives_a_renamed_deal_and_is_told(quick: Sold) -> None:
    epic, sheet = (quick.known.bound(side)["plan"].ref.id for side in ("tracker", "sheets"))
    site, state = quick.stage.simulator.jira.site, quick.stage.simulator.smartsheet.state
    quick.jira("edit_issue", "plan", fields={"summary": "The Acme roll-out"})
    quick.edit(Name="Second")
    assert site.issues.by_id[int(epic)].summary == "The Acme roll-out"
    assert state.sheets[int(sheet)].name.startswith("Acme: Second")
    theirs = state.sheets[int(sheet)].name.replace("Acme: Second", "Roll-out")
    with quick.stage.simulator.world.lock:
        quick.stage.simulator.smartsheet.act("rename_sheet", {"sheet": int(sheet), "name": theirs})
    quick.edit(Name="Third")
    assert (site.issues.by_id[int(epic)].summary, state.sheets[int(sheet)].name) == ("The Acme roll-out", theirs)
    assert quick.plan["title"] == "Acme: Third"
    history = [event for _, event in quick.stage.plant.store.history(quick.key) if event.rule == "conflict:lost"]
    told = [(event.field, event.old, event.new) for event in history]
    assert ("title", "'Acme: Second'", "'The Acme roll-out'") in told
    assert ("title", "'Acme: Third'", "'Roll-out'") in told
    assert len(told) == 3
    quick.check()


def test_what_a_person_wants_looked_at_anew_is_still_listed_until_the_look_says_it_again(quick: Sold) -> None:
    quick.add_line()
    quick.rest()
    said = quick.told()
    quick.stage.plant.store.forgive([quick.key], Priority.LIVE)
    assert quick.waiting() == {"reasons": [], "parts": []}
    quick.look()
    assert quick.told() == said != []
