"""Notices on the whole way: from a store that lived, over its proof and its hours, to where people read them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
from notices_desk import Letterbox, letterbox

from connectors.base import TimeEntry
from mappings.hours import Rollover, Terms
from sync.cli.notices import office_of
from sync.core.allotment import balance_of
from sync.demo.stage import Stage
from sync.notices.office import Office
from sync.notices.standings import period_of
from sync.proofs import keep_proof, last_proof
from sync.verify import Proof

KINDS = ("hours", "risk", "overdue", "unproven")


@dataclass
class Life:
    """A stage with one onboarding, whose notices arrive in a letterbox."""

    stage: Stage
    box: Letterbox
    key: str

    def office(self) -> Office:
        """Open one more office on the same store, as another process would."""
        made = office_of(self.stage.plant)
        assert made is not None
        return made

    def log(self, hours: int) -> None:
        """Have somebody log six hours a day on a task."""
        store = self.stage.plant.store
        record = next(
            b.ref.id for b in store.load([self.key])[self.key].bindings if b.connection == "tracker" and b.item
        )
        at = self.stage.clock.now()
        days = [TimeEntry(f"w{n}", record, "ada", 6 * 3600, at - timedelta(days=n), at) for n in range(hours // 6)]
        store.put_time("tracker", days)


@pytest.fixture
def life(database: str) -> Iterator[Life]:
    with letterbox() as box:
        section: dict[str, Any] = {
            "channels": {"team": box.address},
            "routes": {kind: ["team"] for kind in KINDS},
            "quiet": {"begin": "00:00", "end": "00:00"},
        }
        with Stage(store=database, notices=section) as stage:
            stage.sweep()
            key = stage.win(name="Acme", account="Acme", hours=100)
            stage.settle()
            stage.sweep()
            yield Life(stage, box, key)


def test_a_threshold_that_is_crossed_is_told_once_by_however_many_offices_once_all_was_proven_equal(life: Life) -> None:
    life.log(72)
    held = life.office().run()
    assert [notice.why_held for notice in held.held] == ["Nothing was compared yet: `closedwon verify` does it"]
    assert life.box.subjects == ["The plans are not proven equal"]
    keep_proof(life.stage.plant.store, Proof())
    for office in (life.office(), life.office()):
        assert office.job() == ""
    assert life.box.subjects[1:] == ["Acme: 72% of the contracted hours are used"]


def test_a_proof_that_is_not_sound_is_one_incident_until_a_sound_one(life: Life) -> None:
    store, office = life.stage.plant.store, life.office()
    for unequal in (3, 2, 0, 1):
        keep_proof(store, Proof(unequal=unequal))
        office.run()
    assert life.box.subjects == ["The plans are not proven equal"] * 2
    assert "3 unequal" in life.box.arrived[0]["message"]
    assert "1 unequal" in life.box.arrived[1]["message"]
    kept = last_proof(store)
    assert kept is not None
    assert (kept.sound, kept.incident) == (False, 2)


def test_what_nobody_heard_for_hours_holds_everything_back_and_is_told_once_a_day(life: Life) -> None:
    keep_proof(life.stage.plant.store, Proof())
    life.log(90)
    life.stage.sleep(timedelta(hours=3).total_seconds())
    office = life.office()
    held = office.run()
    assert "tracker was last heard at " in held.held[0].why_held
    assert office.run().sent == []
    life.stage.sleep(timedelta(days=1).total_seconds())
    assert [notice.kind for notice in office.run().sent] == ["unproven"]
    life.stage.sweep()
    assert [notice.kind for notice in office.run().sent] == ["hours"]


def test_a_brake_and_an_old_proof_hold_back_too(life: Life) -> None:
    store, office = life.stage.plant.store, life.office()
    keep_proof(store, Proof())
    life.log(90)
    store.advance("engine", "brake", "too much at once")
    assert office.run(dry=True).held[0].why_held == "A brake is engaged: too much at once"
    life.stage.plant.engine.release_brake()
    life.stage.sleep(timedelta(days=9).total_seconds())
    life.stage.sweep()
    assert "The last proof is of " in office.run(dry=True).held[0].why_held
    assert life.box.asked == 0


def test_a_launch_that_is_held_up_by_a_customer_goes_to_the_digest_of_the_one_who_owns_the_task(life: Life) -> None:
    keep_proof(life.stage.plant.store, Proof())
    life.stage.sleep(timedelta(days=120).total_seconds())
    life.stage.sweep()
    keep_proof(life.stage.plant.store, Proof())
    done = life.office().run()
    digests = [notice for notice in done.sent if notice.kind == "overdue"]
    assert digests
    assert all("@" in notice.to and notice.lines for notice in digests)
    assert life.office().run().sent == []


def test_an_office_is_made_only_where_notices_are_wanted_and_then_only_apprise_is_loaded(life: Life) -> None:
    assert "apprise" in sys.modules
    with Stage() as quiet:
        assert office_of(quiet.plant) is None


@pytest.mark.parametrize(("first", "hours"), [(4, (16.0, 1.0)), (10, (10.0, 1.0)), (13, (10.0, 4.0))])
def test_what_a_period_brought_along_may_be_used_in_the_next_and_what_it_owes_is_used(
    first: int, hours: tuple[float, float]
) -> None:
    terms = Terms(10.0, "month", start=date(2026, 10, 1), rollover=Rollover("all"))
    charges = [(date(2026, 10, 5), first * 3600), (date(2026, 11, 3), 3600)]
    assert period_of(balance_of(charges, terms, date(2026, 11, 20))) == (*hours, "2026-11-01")
