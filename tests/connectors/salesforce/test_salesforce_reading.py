from __future__ import annotations

from datetime import date

import pytest

from connectors.base import Capability, DealQuery, Kind, Ref, Update, Wanted
from connectors.errors import Refused, Stale
from connectors.salesforce.reading import Cursor


def test_a_won_deal_comes_whole_with_relationships_lines_and_no_links_yet(rig):
    deal = rig.win(hours=120)
    [record] = rig.connect().deals(DealQuery(won_since=date(2026, 11, 1)))
    assert record.kind is Kind.DEAL
    assert record.ref == Ref(deal)
    assert record.fields["Account.Name"] == "Northwind"
    assert record.fields["Owner.Email"] == "ada@example.com"
    assert record.fields["CloseDate"] == date(2026, 11, 18)
    assert record.fields["Contracted_Hours__c"] == 120
    assert record.fields["IsWon"] is True
    assert record.fields["Target_Launch__c"] is None
    assert [line["Product2.Name"] for line in record.lines] == ["Implementation"]
    assert record.lines[0]["Quantity"] == 40
    assert record.links == ()
    assert record.version
    assert record.url.endswith(f"/{deal}")


def test_only_deals_won_between_the_two_days_come_in_order_of_their_close_date(rig):
    days = {day: rig.win(f"Deal {day}", close_date=f"2026-11-{day:02}") for day in (9, 3, 6, 12)}
    open_deal = rig.win("Open again", close_date="2026-11-06")
    rig.act("reopen_deal", id=open_deal)
    found = rig.connect().deals(DealQuery(won_since=date(2026, 11, 3), won_until=date(2026, 11, 9)))
    assert [record.ref.id for record in found] == [days[3], days[6], days[9]]


def test_a_deal_asked_for_by_id_comes_even_when_it_is_no_longer_won(rig):
    deal = rig.win()
    rig.act("reopen_deal", id=deal)
    [record] = rig.connect().deals(DealQuery(ids=(deal,)))
    assert record.fields["IsWon"] is False


def test_something_that_is_no_id_does_not_spoil_the_query_of_the_others(rig):
    deal = rig.win()
    found = rig.connect().deals(DealQuery(ids=("deal ' OR Name LIKE '%", "", deal, deal)))
    assert [record.ref.id for record in found] == [deal]
    assert rig.calls() == 1


def test_ids_that_are_too_many_for_one_url_are_asked_for_in_several_calls(rig):
    deal = rig.win()
    ids = tuple(f"006{n:012}" for n in range(1400))
    found = list(rig.connect().deals(DealQuery(ids=(*ids, deal))))
    assert [record.ref.id for record in found] == [deal]
    assert rig.calls() == 3


def test_pages_shorter_than_the_vendors_limit_are_followed_to_the_end(rig):
    ids = {rig.win(f"Deal {n}") for n in range(7)}
    rig.vendor.knobs["short_pages"] = 3
    found = [record.ref.id for record in rig.connect().deals(DealQuery())]
    assert len(found) == 7
    assert set(found) == ids
    assert rig.calls() == 3


def test_lines_that_do_not_fit_the_page_of_their_deal_are_followed(rig):
    rig.win(lines=[{"product": f"Part {n}", "quantity": n, "price": 1} for n in range(1, 6)])
    rig.vendor.knobs["short_pages"] = 2
    [record] = rig.connect().deals(DealQuery())
    assert sorted(line["Quantity"] for line in record.lines) == [1, 2, 3, 4, 5]
    assert rig.calls() == 3


def test_the_first_backfill_costs_one_query_for_two_thousand_deals(rig):
    with rig.world.lock:
        for n in range(2001):
            rig.act("win_deal", name=f"Deal {n}", account="Northwind", owner="ada@example.com", close_date="2026-11-18")
    assert sum(1 for _ in rig.connect().deals(DealQuery(won_since=date(2026, 1, 1)))) == 2001
    assert rig.calls() == 2


def test_a_link_shows_the_onboarding_that_the_crm_already_holds(rig, upsert):
    deal = rig.win()
    crm = rig.connect()
    list(crm.write([upsert(deal, Status__c="In Progress", Forecast_Launch__c=date(2027, 2, 1))]))
    [record] = crm.deals(DealQuery(ids=(deal,)))
    [link] = record.links
    assert link["Deal_Key__c"] == deal
    assert link["Status__c"] == "In Progress"
    assert link["Forecast_Launch__c"] == date(2027, 2, 1)
    assert link["Id"] == rig.onboardings()[0]["Id"]


def test_without_an_onboarding_object_deals_are_read_without_links(rig):
    rig.win()
    [record] = rig.connect(onboarding_object="").deals(DealQuery())
    assert record.links == ()


def test_a_field_that_vanished_is_refused_by_name(rig):
    rig.win()
    rig.org.hide_field("Opportunity", "Contracted_Hours__c")
    with pytest.raises(Refused) as caught:
        list(rig.connect().deals(DealQuery()))
    assert caught.value.code == "SF-FIELD-01"
    assert caught.value.field == "Contracted_Hours__c"


def test_a_page_that_is_no_longer_held_asks_for_a_new_query(rig):
    rig.win("One")
    rig.win("Two")
    rig.vendor.knobs["short_pages"] = 1
    rig.fail("error", endpoint="GET */query/{locator}", args={"code": "INVALID_QUERY_LOCATOR"})
    with pytest.raises(Stale):
        list(rig.connect().deals(DealQuery()))


def test_an_idle_sweep_costs_one_call_and_reports_nothing(rig):
    crm = rig.connect()
    for n in range(20):
        rig.win(f"Deal {n}")
    first = crm.changes(crm.changes("").cursor)
    rig.world.clock.advance(5)
    settled = crm.changes(first.cursor)
    rig.world.clock.advance(60)
    before = rig.calls()
    idle = crm.changes(settled.cursor)
    assert len(first.deals) == 20
    assert idle.touched == frozenset()
    assert idle.deals == ()
    assert rig.calls() - before == 1


def test_a_change_of_the_very_second_of_the_last_look_is_not_lost(rig):
    crm = rig.connect()
    deal = rig.win()
    seen = crm.changes(crm.changes("").cursor)
    rig.act("edit_deal", id=deal, fields={"Kickoff_Notes__c": "not mapped"})
    again = crm.changes(seen.cursor)
    assert seen.touched == again.touched == {deal}


def test_a_row_that_shows_up_after_its_stamp_is_reported(rig):
    crm = rig.connect()
    cursor = crm.changes("").cursor
    rig.vendor.knobs["visible_after_seconds"] = 120
    deal = rig.win()
    rig.world.clock.advance(60)
    hidden = crm.changes(cursor)
    rig.world.clock.advance(70)
    shown = crm.changes(hidden.cursor)
    assert hidden.touched == frozenset()
    assert shown.touched == {deal}


def test_a_deal_reopened_or_deleted_is_reported_as_such(rig):
    crm = rig.connect()
    reopened, deleted = rig.win("Reopened"), rig.win("Deleted")
    rig.world.clock.advance(5)
    cursor = crm.changes(crm.changes("").cursor).cursor
    rig.act("reopen_deal", id=reopened)
    rig.act("delete_deal", id=deleted)
    records = {record.ref.id: record for record in crm.changes(cursor).deals}
    assert records[reopened].fields["IsWon"] is False
    assert records[reopened].deleted is False
    assert records[deleted].deleted is True


def test_the_cursor_follows_salesforces_clock_and_not_ours(rig):
    crm = rig.connect()
    rig.world.clock.advance(86_400 * 30)
    assert Cursor.parse(crm.changes("").cursor).at == rig.world.clock.now()


def test_a_cursor_never_goes_back_when_the_vendors_clock_does(rig):
    crm = rig.connect()
    cursor = crm.changes("").cursor
    rig.world.clock.advance(-120)
    assert Cursor.parse(crm.changes(cursor).cursor).at == Cursor.parse(cursor).at


def test_a_damaged_cursor_is_refused_with_the_way_out(rig):
    with pytest.raises(Refused, match="reconcile --all") as caught:
        rig.connect().changes("yesterday|???")
    assert caught.value.code == "SF-CURSOR-01"


def test_find_looks_onboardings_up_by_key_and_ignores_other_kinds(rig, upsert):
    deal, other = rig.win("One"), rig.win("Other")
    crm = rig.connect()
    list(crm.write([upsert(deal)]))
    wanted = [
        Wanted(deal, Kind.ONBOARDING, None, ""),
        Wanted(other, Kind.ONBOARDING, None, ""),
        Wanted("x", Kind.TASK, None, ""),
    ]
    [record] = crm.find(wanted)
    assert record.write_key == deal
    assert record.ref.id == rig.onboardings()[0]["Id"]
    assert record.fields["Name"] == "Northwind rollout"


def test_what_salesforce_has_not_is_not_implemented(rig):
    crm = rig.connect()
    assert crm.capabilities == {Capability.DEALS}
    assert crm.mark() == ""
    with pytest.raises(NotImplementedError):
        crm.time_changes("")
    with pytest.raises(NotImplementedError):
        crm.fetch([])


def test_lines_changed_after_the_last_look_bring_their_deal_up(rig):
    crm = rig.connect()
    deal = rig.win()
    rig.world.clock.advance(5)
    cursor = crm.changes(crm.changes("").cursor).cursor
    rig.act("add_line", id=deal, product="Training", quantity=2, price=100)
    assert crm.changes(cursor).touched == {deal}


def test_a_mapped_opportunity_field_is_updated_by_id(rig):
    deal = rig.win()
    update = Update(deal, Kind.DEAL, Ref(deal), {"Target_Launch__c": date(2027, 3, 1), "Contracted_Hours__c": 12.5})
    [result] = rig.connect().write([update])
    assert result.ref == Ref(deal)
    row = next(row for row in rig.org.rows("Opportunity") if row["Id"] == deal)
    assert row["Contracted_Hours__c"] == 12.5
    assert str(row["Target_Launch__c"]).startswith("2027-03-01")


def test_a_stream_of_deals_says_how_many_there_are_before_it_is_read(rig):
    for n in range(5):
        rig.win(f"Deal {n}")
    rig.vendor.knobs["short_pages"] = 2
    deals = rig.connect().deals(DealQuery())
    assert deals.total == 5
    assert rig.calls() == 1
    assert sum(1 for _ in deals) == 5


def test_the_inventory_lists_every_onboarding_that_carries_a_key_and_no_other(rig, upsert):
    deals = [rig.win(f"Deal {n}") for n in range(5)]
    crm = rig.connect()
    list(crm.write([upsert(deal) for deal in deals]))
    rig.org.insert("Onboarding__c", {"Name": "Made by hand", "Opportunity__c": deals[0]})
    rig.vendor.knobs["short_pages"] = 2
    assert sorted(record.write_key for record in crm.inventory()) == sorted(deals)


def test_without_an_onboarding_object_there_is_no_inventory_and_nothing_to_find(rig):
    crm = rig.connect(onboarding_object="")
    assert list(crm.inventory()) == []
    assert list(crm.find([Wanted("x", Kind.ONBOARDING, None, "")])) == []
    assert rig.calls() == 0


def test_a_write_is_priced_as_it_costs(rig, upsert):
    deals = [rig.win(f"Deal {n}", lines=[]) for n in range(201)]
    crm = rig.connect()
    writes = [*(upsert(deal) for deal in deals), Update(deals[0], Kind.DEAL, Ref(deals[0]), {"Contracted_Hours__c": 1})]
    assert crm.price(writes) == 3
    assert rig.calls() == 0
    list(crm.write(writes))
    assert rig.calls() == 3


def test_a_stage_renamed_by_an_admin_does_not_hide_a_won_deal(rig):
    deal = rig.win()
    rig.act("rename_picklist_value", object="Opportunity", field="StageName", value="Closed Won", to="Gewonnen")
    assert [record.ref.id for record in rig.connect().deals(DealQuery())] == [deal]


def test_two_deals_of_one_stamp_are_both_reported(rig):
    crm = rig.connect()
    cursor = crm.changes("").cursor
    ids = {rig.win("One"), rig.win("Two")}
    rig.vendor.knobs["short_pages"] = 1
    assert crm.changes(cursor).touched == ids


def test_a_deal_that_is_closed_but_lost_does_not_come(rig):
    deal = rig.win()
    rig.act("edit_deal", id=deal, fields={"StageName": "Closed Lost"})
    assert list(rig.connect().deals(DealQuery())) == []


def test_a_cursor_forgets_rows_that_left_the_overlap(rig):
    crm = rig.connect()
    cursor = crm.changes("").cursor
    rig.win()
    remembered = []
    for _ in range(3):
        rig.world.clock.advance(500)
        cursor = crm.changes(cursor).cursor
        remembered.append(len(Cursor.parse(cursor).seen))
    assert remembered == [1, 0, 0]
