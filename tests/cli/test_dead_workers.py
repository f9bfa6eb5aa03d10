"""What a killed command held is free at once, on both databases; what a living one holds is not."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from sync.cli.workers import free_the_dead
from sync.core.model import Commit, Priority, Quarantine, Severity
from sync.store import Store

KEY = "006Wx0000fwEOlGIAW"


@pytest.fixture
def store(database: str) -> Store:
    opened = Store.open(database, clock=lambda: datetime.now(UTC))
    opened.request([KEY], Priority.BACKFILL)
    return opened


def dead_process() -> int:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    return gone.pid


def test_a_dead_workers_lease_is_freed_and_it_cannot_commit_any_more(store: Store) -> None:
    (claim,) = store.claim(f"{socket.gethostname()}:{dead_process()}", limit=10, lease_seconds=900)
    assert store.claim("next", limit=10, lease_seconds=900) == ()
    free_the_dead(store)
    assert store.commit([Commit(claim)]) == (claim,)
    (taken,) = store.claim("next", limit=10, lease_seconds=900)
    assert taken.fence > claim.fence


@pytest.mark.parametrize(
    "owner",
    [f"{socket.gethostname()}:{os.getpid()}", "another-host:1", "named by hand"],
    ids=["this process", "another host", "a name"],
)
def test_whoever_may_be_alive_keeps_the_lease(store: Store, owner: str) -> None:
    (claim,) = store.claim(owner, limit=10, lease_seconds=900)
    free_the_dead(store)
    assert store.claim("next", limit=10, lease_seconds=900) == ()
    assert store.commit([Commit(claim)]) == ()


def test_forgiving_lets_a_refused_write_be_tried_again_and_keeps_the_rest(store: Store) -> None:
    (claim,) = store.claim("me", limit=10, lease_seconds=900)
    refused = Quarantine(KEY, "a", "tracker", "", "X-01", "refused", Severity.HELD, attempt="1")
    double = Quarantine(KEY, "a", "sheets", "write key", "DUPLICATE-01", "twice", Severity.HELD, attempt="7@8")
    store.commit([Commit(claim, quarantine=(refused, double))])
    store.forgive([KEY], Priority.RECONCILE)
    assert {entry.code: entry.attempt for entry in store.quarantined()} == {"X-01": "", "DUPLICATE-01": "7@8"}


def test_what_is_forgiven_while_a_worker_is_at_it_stays_forgiven_and_is_tried_again(store: Store) -> None:
    """Found by the soak test: `reconcile --all` beside a daemon that held the onboarding at that moment."""
    refused = Quarantine(KEY, "a", "tracker", "", "X-01", "refused", Severity.HELD, attempt="1")
    (claim,) = store.claim("daemon", limit=10, lease_seconds=900)
    store.commit([Commit(claim, quarantine=(refused,))])
    store.request([KEY], Priority.LIVE)
    (claim,) = store.claim("daemon", limit=10, lease_seconds=900)
    store.forgive([KEY], Priority.RECONCILE)
    store.commit([Commit(claim, quarantine=(refused,))])
    assert [entry.attempt for entry in store.quarantined()] == [""]
    (claim,) = store.claim("daemon", limit=10, lease_seconds=900)
    store.commit([Commit(claim, quarantine=(refused,))])
    assert [entry.attempt for entry in store.quarantined()] == ["1"]
    assert store.claim("daemon", limit=10, lease_seconds=900) == ()
