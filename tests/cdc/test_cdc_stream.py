"""The stream of change events: what it hears of each kind of change, what it says is lost, and how it goes on."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from cdc_rig import ALL, DEALS, LINES, Ear, Org, stream_of, until
from simple_salesforce.api import Salesforce

from connectors.base import DictMemory, FreeMeter, Kind, Level, Upsert
from connectors.errors import NotAuthorised, Refused, TryLater
from connectors.salesforce import SalesforceConnector, SalesforceSettings
from connectors.salesforce.pubsub import findings
from connectors.salesforce.reading import Cursor
from sync.demo.stage import START


def listening(org: Org, topic: str = ALL, place: str = "", **cdc: object) -> Ear:
    return Ear(stream_of(org.simulator, org.clock, topic, **cdc), place)


def subscribed(org: Org, streams: int = 1) -> None:
    until(lambda: org.calls("RPC Subscribe") >= streams)


def first_place(org: Org, topic: str = ALL) -> str:
    """Where a stream stands that has heard a sign of life and nothing else."""
    with listening(org, topic) as ear:
        subscribed(org)
        org.let_it_speak(ear)
        return ear.place


def test_an_edit_is_heard_as_its_deals_id(org: Org) -> None:
    deal = org.win()
    with listening(org, DEALS) as ear:
        subscribed(org)
        org.let_it_speak(ear)
        org.edit(deal, NextStep="call")
        ear.hears(1)
        assert ear.ids == [deal]
        assert ear.missed == []


def test_each_kind_of_change_of_a_deal_is_heard(org: Org) -> None:
    place = first_place(org, DEALS)
    deal = org.win()
    for action in ("delete_deal", "undelete_deal", "reopen_deal"):
        org.act(action, id=deal)
    with listening(org, DEALS, place) as ear:
        ear.hears(4)
        assert ear.ids == [deal] * 4
        assert len(set(ear.events)) == 4


def test_an_event_is_the_same_one_when_it_comes_again(org: Org) -> None:
    place = first_place(org)
    org.win()
    with listening(org, ALL, place) as ear, listening(org, DEALS, place) as other:
        ear.hears(1)
        other.hears(1)
        assert ear.events == other.events


def test_a_line_leads_to_its_deal_though_its_update_names_none(org: Org) -> None:
    deal = org.win()
    place = first_place(org, LINES)
    line = org.line(deal)
    org.act("edit_record", object="OpportunityLineItem", id=line, fields={"ServiceDate": "2026-12-01"})
    org.act("remove_line", id=line)
    with listening(org, LINES, place) as ear:
        ear.hears(3)
        assert ear.ids == [deal] * 3


def test_what_an_insert_of_a_line_tells_needs_no_question(org: Org) -> None:
    deal = org.win()
    place = first_place(org, LINES)
    org.line(deal)
    asked = org.calls("GET /services/data/{version}/queryAll")
    with listening(org, LINES, place) as ear:
        ear.hears(1)
        assert ear.ids == [deal]
    assert org.calls("GET /services/data/{version}/queryAll") == asked


def test_records_that_changed_alike_in_one_call_share_an_event(org: Org) -> None:
    deals = [org.win(f"Deal {number}") for number in range(3)]
    place = first_place(org, DEALS)
    records = [{"attributes": {"type": "Opportunity"}, "id": deal, "NextStep": "call"} for deal in deals]
    rest(org).restful("composite/sobjects", method="PATCH", json={"allOrNone": False, "records": records})
    with listening(org, DEALS, place) as ear:
        ear.hears(3)
        assert sorted(ear.ids) == sorted(deals)
        assert len(ear.events) == 1


def rest(org: Org) -> Salesforce:
    """Another program's session."""
    stream = stream_of(org.simulator, org.clock, ALL)
    return stream._client._client(stream._client.sign_in())


def test_our_own_writes_are_no_news_and_other_programs_are(org: Org) -> None:
    deal = org.win()
    place = first_place(org, DEALS)
    settings = {"url": org.simulator.urls["salesforce"], "client_id": "closedwon", "client_secret": "simulator-secret"}
    ours = SalesforceConnector(
        SalesforceSettings.model_validate(settings),
        name="crm",
        fields={Kind.DEAL: ("NextStep",)},
        memory=DictMemory(),
        meter=FreeMeter(),
        clock=org.clock.now,
    )
    ours._client.call("PATCH", f"sobjects/Opportunity/{deal}", body={"NextStep": "ours"})
    rest(org).restful(f"sobjects/Opportunity/{deal}", method="PATCH", json={"Description": "theirs"})
    assert list(ours.write([Upsert(deal, Kind.ONBOARDING, {"Opportunity__c": deal})]))
    with listening(org, ALL, place) as ear:
        ear.hears(1)
        org.pass_time(300)
        until(lambda: not ear.heard[-1].events)
        assert ear.ids == [deal]
    ours.close()


@pytest.mark.parametrize("kind", ["CREATE", "UPDATE", "DELETE", "UNDELETE"])
def test_a_gap_event_is_heard_as_the_records_that_it_names(org: Org, kind: str) -> None:
    deal, other = org.win("One"), org.win("Other")
    org.act("delete_deal", id=other)
    place = first_place(org, DEALS)
    org.knob("cdc_event_bytes", 0)
    if kind == "CREATE":
        deal = org.win("Three")
    elif kind == "UPDATE":
        org.edit(deal, NextStep="call")
    elif kind == "DELETE":
        org.act("delete_deal", id=deal)
    else:
        deal = other
        org.act("undelete_deal", id=deal)
    with listening(org, DEALS, place) as ear:
        ear.hears(1)
        assert ear.ids == [deal]
        assert ear.missed == []
    told = [event.record["ChangeEventHeader"] for event in org.vendor.bus._events]
    assert told[-1]["changeType"] == f"GAP_{kind}"


def test_a_gap_event_of_a_line_leads_to_its_deal(org: Org) -> None:
    deal = org.win()
    place = first_place(org, LINES)
    org.knob("cdc_event_bytes", 0)
    org.line(deal)
    with listening(org, LINES, place) as ear:
        ear.hears(1)
        assert ear.ids == [deal]


def test_an_overflow_says_that_all_since_its_moment_is_missed(org: Org) -> None:
    place = first_place(org, DEALS)
    org.pass_time(3600)
    moment = org.clock.now()
    org.knob("cdc_overflow_above", 0)
    org.win()
    with listening(org, DEALS, place) as ear:
        until(lambda: ear.missed)
        assert ear.ids == []
        assert [Cursor.parse(text).at for text in ear.missed] == [moment]


def test_an_event_of_all_records_of_an_object_says_that_they_are_missed(org: Org) -> None:
    place = first_place(org, DEALS)
    org.act("convert_field", object="Opportunity", field="NextStep")
    with listening(org, DEALS, place) as ear:
        until(lambda: ear.missed)
        assert ear.ids == []


def test_an_event_that_cannot_be_read_is_missed_and_does_not_stop_the_others(org: Org) -> None:
    place = first_place(org, DEALS)
    org.win("One")
    org.fault("truncate", "RPC FetchResponse")
    with listening(org, DEALS, place) as ear:
        until(lambda: ear.missed)
        deal = org.win("Two")
        ear.hears(1)
        assert ear.ids == [deal]


def test_a_replay_id_older_than_three_days_is_missed_and_the_stream_goes_on_with_what_is_kept(org: Org) -> None:
    place = first_place(org, DEALS)
    stood = org.clock.now()
    org.win("Lost")
    org.pass_time(73 * 3600)
    kept = org.win("Kept")
    with listening(org, DEALS, place) as ear:
        ear.hears(1)
        assert ear.ids == [kept]
        [missed] = ear.missed
        assert START <= Cursor.parse(missed).at <= stood


def test_after_an_expired_replay_id_a_new_start_goes_on_at_the_earliest_event_and_not_at_the_latest(org: Org) -> None:
    place = first_place(org, DEALS)
    org.pass_time(73 * 3600)
    kept = org.win("Kept")
    stream = stream_of(org.simulator, org.clock, DEALS)
    heard = next(stream.hear(place))  # the process ends here
    stream.close()
    assert heard.missed
    with listening(org, DEALS, heard.place) as ear:
        ear.hears(1)
        assert ear.ids == [kept]


def test_after_the_org_was_moved_all_since_the_place_is_missed(org: Org) -> None:
    place = first_place(org, DEALS)
    org.act("migrate_org")
    with listening(org, DEALS, place) as ear:
        until(lambda: ear.missed)
        until(lambda: org.calls("RPC Subscribe") >= 3)
        deal = org.win()
        ear.hears(1)
        assert ear.ids == [deal]


def test_with_a_place_that_is_none_of_ours_everything_is_missed(org: Org) -> None:
    with listening(org, DEALS, "nonsense") as ear:
        until(lambda: ear.missed)
        assert Cursor.parse(ear.missed[0]).at < START - timedelta(days=365)


def test_when_sessions_are_ended_the_stream_signs_in_anew_and_loses_nothing(org: Org) -> None:
    place = first_place(org, DEALS)
    org.fault("drop_before", "RPC FetchResponse")
    first = org.win("One")
    stream = stream_of(org.simulator, org.clock, DEALS)
    with Ear(stream, place) as ear:
        until(lambda: isinstance(ear.error, TryLater))
    org.act("expire_sessions")
    second = org.win("Two")
    again = stream_of(org.simulator, org.clock, DEALS)
    again._client = stream._client  # holds the token that is no longer good
    with Ear(again, place) as ear:
        ear.hears(2)
        assert ear.ids == [first, second]


def test_a_session_that_ends_while_the_stream_is_open_costs_nothing(org: Org) -> None:
    deal = org.win()
    place = first_place(org, DEALS)
    org.edit(deal, NextStep="one")
    with listening(org, DEALS, place) as ear:
        ear.hears(1)
        org.act("expire_sessions")
        # A field is renamed, so that the schema must be asked for, with the token that is no longer good.
        org.act("rename_field", object="Opportunity", field="Kickoff_Notes__c", to="Notes__c")
        org.edit(deal, NextStep="two")
        ear.hears(2)
        assert ear.ids == [deal, deal]
        assert ear.missed == []


def test_a_token_that_is_refused_fresh_is_told_as_such_and_not_asked_for_for_ever(org: Org) -> None:
    org.fault("unauthenticated", "RPC Subscribe", times=None)
    with listening(org) as ear:
        until(lambda: ear.error)
    assert isinstance(ear.error, NotAuthorised)
    assert ear.error.code == "SF-CDC-01"
    assert org.calls("RPC Subscribe") == 2


def test_a_topic_that_is_not_there_is_told_with_what_to_do(org: Org) -> None:
    with listening(org, "/data/NoSuchChangeEvent") as ear:
        until(lambda: ear.error)
    assert isinstance(ear.error, Refused)
    assert ear.error.code == "SF-CDC-02"
    assert "Change Data Capture" in ear.error.message


@pytest.mark.parametrize("fault", ["unavailable", "drop_before", "drop_after"])
def test_a_stream_that_breaks_says_so_and_can_be_gone_on_with(org: Org, fault: str) -> None:
    place = first_place(org, DEALS)
    deal = org.win()
    org.fault(fault, "RPC FetchResponse")
    with listening(org, DEALS, place) as ear:
        until(lambda: ear.error)
    assert isinstance(ear.error, TryLater)
    assert ear.error.code == "SF-CDC-03"
    place = ear.heard[-1].place if ear.heard else place
    other = org.win("Other")
    with listening(org, DEALS, place) as again:
        until(lambda: other in again.ids)
    assert set(ear.ids + again.ids) == {deal, other}


def test_a_stream_without_a_sign_of_life_is_given_up(org: Org) -> None:
    with listening(org, silence_seconds=0.3) as ear:
        until(lambda: ear.error)
    assert isinstance(ear.error, TryLater)
    assert ear.error.code == "SF-CDC-04"


def test_a_server_that_is_away_is_told_as_such(org: Org) -> None:
    stream = stream_of(org.simulator, org.clock, ALL, endpoint="http://127.0.0.1:9")
    with Ear(stream) as ear:
        until(lambda: ear.error)
    assert isinstance(ear.error, TryLater)
    assert ear.error.code == "SF-CDC-03"


def test_who_is_slow_to_keep_what_came_is_sent_no_more_than_a_hundred_events(org: Org) -> None:
    deal = org.win()
    place = first_place(org, DEALS)
    before = org.sent
    for number in range(250):
        org.edit(deal, NextStep=str(number))
    ear = listening(org, DEALS, place)
    ear.going.clear()
    with ear:
        until(lambda: org.sent - before >= 100)
        org.edit(deal, NextStep="one more")
        until(lambda: ear.heard)
        assert org.sent - before == 100
        ear.going.set()
        ear.hears(251)
        assert len(set(ear.events)) == 251


def test_the_place_moves_on_while_nothing_happens(org: Org) -> None:
    place = first_place(org)
    org.pass_time(80 * 3600)
    later = first_place(org)
    assert later > place
    assert datetime.fromisoformat(later.partition("/")[0]) >= START + timedelta(hours=80)


def test_closing_ends_a_stream_that_waits(org: Org) -> None:
    ear = listening(org)
    with ear:
        subscribed(org)
    assert ear.error is None


def test_no_proxy_of_the_environment_is_used(org: Org, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "grpc_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    place = first_place(org)
    assert place


def test_a_token_stands_in_no_error(org: Org) -> None:
    org.fault("unavailable", "RPC Subscribe")
    with listening(org) as ear:
        until(lambda: ear.error)
    [token] = org.vendor.auth.tokens
    assert token not in repr(ear.error)
    assert ear.error.__context__ is None or ear.error.__suppress_context__


def test_doctor_says_of_each_topic_whether_it_can_be_listened_to(org: Org) -> None:
    org.knob("cdc_objects", ["Opportunity"])
    stream = stream_of(org.simulator, org.clock, ALL, topics=[DEALS, LINES, "/data/NoSuchChangeEvent"])
    told = list(findings(stream._cdc, stream._client))
    assert [(each.level, each.code) for each in told] == [
        (Level.OK, "SF-CDC-00"),
        (Level.ERROR, "SF-CDC-02"),
        (Level.ERROR, "SF-CDC-02"),
    ]
    org.fault("unavailable", "RPC GetTopic", times=None)
    assert {each.code for each in findings(stream._cdc, stream._client)} == {"SF-CDC-03"}
