"""Every fault of every vendor, at every kind of call that the engine makes: nothing doubled, unequal, lost, or endless."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from engine_life import LAYOUTS, Life, lag

from connectors.errors import NotAuthorised
from simulator.jira.faults import FAULTS as JIRA_FAULTS
from sync.core.model import Claim, Priority
from sync.demo.stage import Stage
from sync.engine.outcome import patiently

TASKS = 4
GENERIC: dict[str, dict[str, Any]] = {
    "drop_before": {},
    "drop_after": {},
    "late_commit": {"seconds": 3},
    "status": {"status": 503},
    "html": {"status": 502},
    "truncate": {},
}
OWN: dict[str, dict[str, dict[str, Any]]] = {
    "salesforce": {
        "session_expired": {},
        "concurrent_limit": {},
        "total_limit": {},
        "lock_row": {},
        "server_unavailable": {},
        "query_timeout": {},
        "html_401": {},
    },
    "jira": {name: {} for name in JIRA_FAULTS if name not in {"permission_lost", "field_vanished", "bad_page_token"}},
    "smartsheet": {
        "rate_limited": {},
        "error_4002": {},
        "error_4004": {},
        "maintenance_4001": {},
        "html_429": {"retry_after": "5"},
        "html_502": {},
        "captive_portal": {},
        "error_4000": {},
    },
}
ENOUGH = 120
"""No single onboarding's life, whatever fails once, needs as many calls at one vendor."""


@pytest.fixture
def stage(small_template: str) -> Iterator[Stage]:
    """The layout in which onboardings share sheets, so that one bad record stands among others' rows."""
    with Stage(
        templates=[small_template],
        sheets={"layout": "portfolio"},
        engine={"settle_seconds": 10, "patience_seconds": 60},
    ) as made:
        made.sweep()
        yield made


def settle_down(life: Life) -> None:
    """Run as a schedule would, through stops, until nothing is left to do."""
    for _ in range(12):
        life.stage.settle()
        with suppress(NotAuthorised):
            report = life.sweep()
            if not (report.looked or report.waiting or report.notes):
                return
    raise AssertionError(f"still at work: {life.stage.plant.store.work_items()}")


def work_a_day(life: Life) -> None:
    """Create, update, walk a transition, roll up, log time: every kind of call."""
    stage = life.stage
    with suppress(NotAuthorised):
        life.sweep()
    stage.settle()
    for edit in (("close", 1, 0), ("log", 2, 30), ("rename row", 0, 1), ("set status", 2, 2), ("issue due", 3, 9)):
        life.do(edit)
    settle_down(life)


def endpoints(stage: Stage, vendor: str) -> list[str]:
    return sorted({endpoint for name, endpoint in stage.simulator.world.calls if name == vendor})


def kinds_of_call(template: str, layout: str) -> dict[str, list[str]]:
    """Live a day without a fault, to see which calls the engine makes."""
    with Stage(templates=[template], sheets={"layout": layout}, engine={"settle_seconds": 10}) as stage:
        stage.sweep()
        life = Life(stage, [stage.win(name="Deal", account="Acme", hours=10)])
        work_a_day(life)
        return {vendor: endpoints(stage, vendor) for vendor in stage.simulator.vendors}


def live_with(template: str, layout: str, database: str, **rule: Any) -> None:
    """Live a day with a fault in it and hold the end against the laws."""
    stage = Stage(
        store=database,
        templates=[template],
        sheets={"layout": layout},
        engine={"settle_seconds": 10, "patience_seconds": 60},
    )
    with stage:
        lag(stage)
        stage.sweep()
        life = Life(stage, [stage.win(name="Deal", account="Acme", hours=10)])
        stage.settle()
        stage.simulator.world.faults.add(**rule)
        work_a_day(life)
        stage.simulator.world.faults.rules.clear()
        life.rest()
        life.check()
        assert stage.plant.store.quarantined() == ()
        assert len(stage.simulator.jira.site.issues.by_id) == TASKS + 1
        calls = {vendor: stage.simulator.world.count(vendor) for vendor in stage.simulator.vendors}
        assert max(calls.values()) < ENOUGH, calls


@pytest.mark.slow
@pytest.mark.parametrize(
    ("vendor", "layout"), [("salesforce", LAYOUTS[0]), ("jira", LAYOUTS[1]), *(("smartsheet", one) for one in LAYOUTS)]
)
def test_every_fault_at_every_kind_of_call_leaves_no_trace(vendor: str, layout: str, small_template: str) -> None:
    """All faults at all endpoints; each once, in one life per fault with one hit at each endpoint."""
    calls = kinds_of_call(small_template, layout)[vendor]
    struck = 0
    for fault, args in (GENERIC | OWN[vendor]).items():
        stage = Stage(
            templates=[small_template],
            sheets={"layout": layout},
            engine={"settle_seconds": 10, "patience_seconds": 60},
        )
        with stage:
            stage.sweep()
            life = Life(stage, [stage.win(name="Deal", account="Acme", hours=10)])
            stage.settle()
            rules = [
                stage.simulator.world.faults.add(fault, vendor=vendor, endpoint=_literal(call), args=args)
                for call in calls
            ]
            work_a_day(life)
            struck += sum(rule.hits for rule in rules)
            stage.simulator.world.faults.rules.clear()
            try:
                life.rest()
                life.check()
                assert stage.plant.store.quarantined() == ()
                assert len(stage.simulator.jira.site.issues.by_id) == TASKS + 1
                assert stage.simulator.world.count(vendor) < ENOUGH
            except AssertionError as error:
                raise AssertionError(f"{fault} at {vendor}: {error}") from error
    assert struck > len(GENERIC | OWN[vendor])


def _literal(endpoint: str) -> str:
    """Write an endpoint as a pattern that means just it."""
    return endpoint.replace("[", "[[]")


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("fault", ["drop_before", "drop_after", "truncate", "html", "late_commit"])
def test_a_life_in_which_every_tenth_call_fails_ends_as_any_other(
    fault: str, layout: str, small_template: str, new_database: Callable[[], str]
) -> None:
    args = {"seconds": 3} if fault == "late_commit" else {}
    live_with(small_template, layout, new_database(), fault=fault, times=None, probability=0.1, args=args)


@pytest.mark.parametrize("vendor", ["jira", "smartsheet"])
def test_a_commit_later_than_the_time_to_settle_is_found_or_told(stage: Stage, vendor: str) -> None:
    """`settle_seconds` must exceed what a vendor may take: shorter, a late create is a double, which `verify` shows."""
    stage.simulator.world.faults.add(
        "late_commit", vendor=vendor, endpoint="POST *", skip=1, times=1, args={"seconds": 25}
    )
    life = Life(stage, [stage.win(name="Deal", account="Acme")])
    stage.settle()
    life.sweep()
    stage.settle()
    proof = stage.prove()
    assert (proof.unequal, proof.lacking, proof.strays) == (0, 0, 0), proof.examples
    assert proof.duplicates >= 1


@pytest.mark.parametrize("vendor", ["jira", "smartsheet"])
def test_a_commit_within_the_time_to_settle_is_found(stage: Stage, vendor: str) -> None:
    stage.simulator.world.faults.add(
        "late_commit", vendor=vendor, endpoint="POST *", skip=1, times=1, args={"seconds": 8}
    )
    life = Life(stage, [stage.win(name="Deal", account="Acme")])
    stage.settle()
    report = life.sweep()
    assert report.adopted.total() >= 1
    life.rest()
    life.check()


def test_a_new_request_does_not_hurry_a_create_of_unknown_outcome(small_template: str) -> None:
    """The deal changes right after the vendor hung up: what may yet land is waited for all the same."""
    engine = {"settle_seconds": 30, "patience_seconds": 0}
    with Stage(templates=[small_template], engine=engine) as stage:
        stage.sweep()
        late = {"fault": "late_commit", "vendor": "jira", "endpoint": "POST */issue/bulk", "args": {"seconds": 20}}
        stage.simulator.world.faults.add(**late)
        deal = stage.win(name="Deal", account="Acme")
        stage.settle()
        stage.sweep()
        for _ in range(2):
            stage.plant.store.request([deal], Priority.LIVE)
            stage.plant.engine.drain()
        stage.sleep(40)
        life = Life(stage, [deal])
        life.rest()
        life.check()
        assert len(stage.simulator.jira.site.issues.by_id) == TASKS + 1


@pytest.mark.parametrize(
    ("seconds", "attempts", "wait"),
    [(5, 1, 5), (5, 3, 20), (0, 1, 1), (0, 4, 8), (5, 40, 3600), (7200, 1, 7200), (7200, 9, 7200)],
)
def test_each_attempt_waits_twice_as_long_up_to_an_hour_and_never_shorter_than_asked(
    seconds: float, attempts: int, wait: float
) -> None:
    assert patiently(seconds, Claim("deal", 1, 1, attempts)) == wait


def test_a_vendor_that_fails_for_good_is_not_asked_endlessly(stage: Stage) -> None:
    life = Life(stage, [stage.win(name="Deal", account="Acme")])
    life.rest()
    stage.simulator.world.faults.add(
        "status", vendor="salesforce", endpoint="PATCH *", times=None, args={"status": 503}
    )
    stage.simulator.world.faults.add("drop_after", vendor="jira", endpoint="PUT *", times=None)
    life.do(("row due", 0, 9))
    before = sum(stage.simulator.world.calls.values())
    for _ in range(5):
        stage.settle()
        life.sweep()
    assert sum(stage.simulator.world.calls.values()) - before < 5 * ENOUGH
    stage.simulator.world.faults.clear()
    stage.sleep(3600)
    life.rest()
    life.check()
