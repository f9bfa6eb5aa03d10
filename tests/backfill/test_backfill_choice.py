"""Which deals a backfill takes, what it would cost, and how much of a vendor's quota it may have."""

from __future__ import annotations

import pytest
from office import SINCE, TODAY, Office


def test_until_is_a_last_day_and_won_until_is_its_old_name(office: Office) -> None:
    office.win("Old", close_date="2026-01-31")
    office.win("New", close_date="2026-02-01")
    assert office.run("backfill", "--until", "2026-01-31", "--json").json["planned"] == 1
    assert office.run("backfill", "--won-until", "2026-02-01", "--json").json["planned"] == 1


def test_where_takes_the_deals_that_meet_it_and_leaves_the_others(office: Office) -> None:
    office.win("Small", fields={"Amount": 100})
    large = office.win("Large", fields={"Amount": 90_000})
    done = office.run("backfill", *SINCE, "--where", "deal.amount > 50000.0 && size(lines) == 0", "--json")
    assert (done.code, done.json["planned"]) == (0, 1)
    store = office.store()
    assert store.keys() == (large,)
    store.close()


def test_a_limit_counts_the_deals_that_meet_the_condition(office: Office) -> None:
    for number in range(6):
        office.win(f"Customer {number}", fields={"Amount": number})
    done = office.run("backfill", *SINCE, "--where", "deal.amount >= 3.0", "--limit", "2", "--json").json
    assert done["planned"] == 2


@pytest.mark.parametrize(
    ("where", "parts"),
    [
        ("deal.amout > 5.0", ("--where:1:6: a deal has no field 'amout'", "Did you mean 'amount'?", "\n         ^")),
        ("deal.amount >", ("WHERE-01: --where:1:14:", "    deal.amount >\n", "docs/mappings.md")),
        ("dael.amount > 5.0", ("unknown variable 'dael'", "'deal'", "\n    ^")),
        ("2 * deal.amount > 5.0", ("mixes types", "write 2.0, not 2")),
    ],
)
def test_a_wrong_condition_is_shown_at_its_place_with_what_to_write(
    office: Office, where: str, parts: tuple[str, ...]
) -> None:
    office.win("Acme")
    before = office.write_calls()
    office.run("backfill", *SINCE, "--where", where).refused(2, *parts)
    assert office.write_calls() == before


def test_a_condition_without_an_answer_leaves_the_deal_out_and_is_never_green(office: Office) -> None:
    bare = office.win("Bare")
    office.win("Rich", fields={"Amount": 10})
    ran = office.run("backfill", *SINCE, "--where", "deal.amount > 1.0", "--json")
    ran.refused(8, "WHERE-02", "Deals left out, since --where has no answer for them: 1.", bare, "has(")
    assert ran.json["planned"] == 1
    guarded = office.run("backfill", *SINCE, "--where", "!has(deal.amount)", "--json")
    assert (guarded.code, guarded.json["planned"]) == (0, 1)


def test_a_dry_run_tells_counts_price_and_time_and_writes_nothing_anywhere(office: Office) -> None:
    office.win("Done")
    assert office.run("backfill", *SINCE).code == 0
    for number in range(3):
        office.win(f"Customer {number}")
    office.win("Held", hours=-5)
    office.configure(sheets={"pace": {"per_minute": 300}})
    calls, content = office.write_calls(), office.content()
    told = office.run("backfill", *SINCE, "--dry-run", "--json").json
    assert (told["deals"], told["finished"], told["plans"], told["tasks"]) == (5, 1, 3, 6)
    assert told["held"] == {"DEAL-CHECK-01": 1}
    sheets, crm = told["connections"]["sheets"], told["connections"]["crm"]
    assert (sheets["creates"], sheets["calls"], sheets["latency_is"]) == (9, 6, "assumed")
    assert (crm["rollups"], crm["latency_is"]) == (3, "measured")
    assert crm["quota_left"] > 0
    assert told["seconds"] >= sheets["seconds"] > 1.0
    assert any("sheets: 300 calls a minute, 300 ms a call (assumed)" in line for line in told["assumptions"])
    assert (office.write_calls(), office.content()) == (calls, content)
    shown = office.run("backfill", *SINCE, "--dry-run")
    assert "3 would get a plan, with 6 tasks; 1 have theirs. Nothing was written." in shown.out
    assert "Estimated time: about 0:00:0" in shown.out


def test_what_a_dry_run_tells_is_what_the_run_does(office: Office) -> None:
    for number in range(4):
        office.win(f"Customer {number}")
    told = office.run("backfill", *SINCE, "--dry-run", "--json").json
    done = office.run("backfill", *SINCE, "--json").json
    assert done["planned"] == told["plans"]
    for name, part in told["connections"].items():
        assert done["created"].get(name, 0) == part["creates"]
        assert part["calls"] <= done["calls"][name] <= part["at_most"], name
    assert done["rollups_written"] == told["connections"]["crm"]["rollups"]


def test_a_rate_makes_the_estimate_longer_by_as_much(office: Office) -> None:
    office.win("Acme")
    paced = {"pace": {"per_minute": 60}}
    office.configure(tracker=paced, sheets=paced)
    whole = office.run("backfill", *SINCE, "--dry-run", "--json").json["connections"]["sheets"]
    third = office.run("backfill", *SINCE, "--dry-run", "--rate", "0.25", "--json").json["connections"]["sheets"]
    assert third["seconds"] == pytest.approx(4 * whole["seconds"])


def test_a_rate_of_an_unknown_whole_is_refused_with_what_to_write(office: Office) -> None:
    office.win("Acme")
    office.run("backfill", *SINCE, "--rate", "0.5").refused(
        3, "RATE-01", "No pace is known for tracker, sheets", "`pace: {per_minute: 240}`"
    )
    assert office.records() == (0, 0, 0)


def test_a_backfill_stops_when_its_share_of_the_daily_allotment_is_used_up(office: Office) -> None:
    for number in range(6):
        office.win(f"Customer {number}")
    paced = {"pace": {"per_minute": 60_000}}
    office.configure(tracker=paced, sheets=paced, engine={"batch": 1, "patience_seconds": 0})
    office.simulator.salesforce.knobs["daily_api_limit"] = 20
    ran = office.run("backfill", *SINCE, "--rate", "0.2", "--json")
    ran.refused(6, "RATE-02", "Run the same command tomorrow")
    assert 1 <= ran.json["planned"] < 6
    assert ran.json["calls"]["crm"] <= 6
    assert office.run("backfill", *SINCE, "--json").json["waiting"] == 0
    assert office.records() == (18, 6, 6)


def test_words_before_a_sub_command_are_refused_instead_of_ignored(office: Office) -> None:
    office.run("backfill", "--won-since", TODAY, "pause").refused(2, "USAGE-02", "say `closedwon backfill pause`")
