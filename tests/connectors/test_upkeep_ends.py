"""Webhooks that end by themselves, which none of our three vendors' do: the daemon's hourly look renews them in time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import structlog
from pocket_connector import PocketConnector
from pocket_rig import PocketRig

from connectors.conformance import At, Break
from sync.hooks import RENEWED_BEFORE, Upkeep, address, hearing
from sync.store import Store

URL = "https://hooks.test"
LASTS = timedelta(days=30)
HOUR = 3600.0


class Watched:
    """A vendor whose only webhook lasts for LASTS, and the look that is after it."""

    def __init__(self, database: str) -> None:
        self.rig = PocketRig()
        self.vendor = self.rig.vendor
        self.vendor.hooks.lasts = LASTS
        self.store = Store.open(database, clock=self.rig.now)
        self.connector = PocketConnector(self.vendor, fields={}, memory=self.rig.memory, sleep=self.rig.advance)
        self.upkeep = Upkeep(connections={"pocket": self.connector}, store=self.store, url=URL, now=self.rig.now)
        self.vendor.hooks.post = lambda _, sent: self.connector.accept(sent.headers, sent.body).reply
        list(self.connector.install(URL + address("pocket", hearing({"pocket": self.connector})["pocket"]), [""]))

    def look(self) -> tuple[bool, int]:
        """Look once; tell whether there was a gap, and how many calls it took."""
        before = self.vendor.calls
        return self.upkeep.look(), self.vendor.calls - before

    @property
    def left(self) -> timedelta:
        (hook,) = self.vendor.hooks.all.values()
        assert hook.ends is not None
        return hook.ends - self.rig.now()

    def kept(self) -> dict:
        (one,) = self.store.kept("webhooks", "")
        return dict(one.value)


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    watched = Watched(f"sqlite:///{tmp_path / 'closedwon.db'}")
    with watched.store:
        yield watched


def test_a_webhook_is_renewed_once_when_its_end_comes_near_and_then_left_alone(watched: Watched) -> None:
    watched.rig.advance((LASTS - RENEWED_BEFORE).total_seconds())
    assert watched.look() == (False, 1)  # a week is left, to the second
    watched.rig.advance(HOUR)
    assert watched.look() == (False, 3)
    assert watched.left == LASTS
    assert watched.look() == (False, 1)
    assert watched.kept() == {"code": "", "states": {"on": 1}}


def test_one_that_ended_while_nobody_looked_is_switched_on_and_what_it_did_not_tell_is_looked_for(
    watched: Watched,
) -> None:
    watched.rig.advance(LASTS.total_seconds() + HOUR)
    assert watched.look() == (True, 3)
    assert watched.left == LASTS
    assert watched.look() == (False, 1)


def test_a_refusal_to_renew_is_told_once_and_renewing_tried_again_at_each_look(watched: Watched) -> None:
    watched.rig.advance((LASTS - RENEWED_BEFORE).total_seconds() + HOUR)
    with structlog.testing.capture_logs() as lines:
        for _ in range(3):
            watched.rig.break_next(Break.SIGNED_OUT_ONCE, At.UPDATE)
            assert watched.look() == (False, 3)
            assert watched.upkeep.troubles() == {"webhooks of pocket": "PO-TOKEN-01"}
            assert watched.kept()["states"] == {"on": 1}
            watched.rig.advance(HOUR)
        watched.look()
    assert [line["event"] for line in lines] == ["trouble", "recovered"]
    assert (watched.left, watched.upkeep.troubles()) == (LASTS, {})


def test_a_vendor_that_is_busy_is_asked_to_renew_at_the_next_look_and_nobody_is_alarmed(watched: Watched) -> None:
    watched.rig.advance((LASTS - RENEWED_BEFORE).total_seconds() + HOUR)
    watched.rig.break_next(Break.RATE_LIMIT, At.UPDATE, retry_after="1800")
    assert watched.look() == (False, 3)
    assert watched.upkeep.troubles() == {}
    watched.rig.advance(HOUR)
    assert watched.look() == (False, 3)
    assert watched.left == LASTS
