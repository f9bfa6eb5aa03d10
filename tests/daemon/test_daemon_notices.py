"""Notices as the daemon sends them: on their schedule, once for all processes, and what becomes of a bad channel."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from daemon_rig import daemon, finished
from notices_desk import Letterbox, letterbox

from sync.demo.stage import Stage
from sync.proofs import last_proof

ALL_DAY = {"begin": "00:00", "end": "00:00"}
QUARTER = "*/15 * * * *"


@pytest.fixture
def box() -> Iterator[Letterbox]:
    with letterbox() as made:
        yield made


@pytest.fixture
def telling(box: Letterbox) -> Iterator[Stage]:
    section = {"channels": {"team": box.address}, "routes": {"unproven": ["team"]}, "quiet": ALL_DAY}
    with Stage(notices=section) as stage:
        stage.sweep()
        yield stage


def test_of_two_daemons_one_tells_when_it_is_due_and_neither_tells_again(telling: Stage, box: Letterbox) -> None:
    both = [daemon(telling, owner, notices=QUARTER) for owner in ("one", "two")]
    for _ in range(4):
        for made in both:
            made.fire_due()
            finished(made)
        telling.sleep(900)
        telling.sweep()
    assert box.subjects == ["The plans are not proven equal"]


def test_the_daemons_own_proof_is_remembered_and_ends_the_doubt(telling: Stage, box: Letterbox) -> None:
    made = daemon(telling, verify="*/10 * * * *", notices=QUARTER)
    made.fire_due()
    telling.sleep(600)
    made.fire_due()
    finished(made)
    kept = last_proof(telling.plant.store)
    assert kept is not None
    assert (kept.sound, kept.at) == (True, telling.clock.now())
    telling.sleep(300)
    made.fire_due()
    finished(made)
    assert box.asked == 0


def test_a_channel_that_takes_nothing_is_a_trouble_until_it_does(telling: Stage, box: Letterbox) -> None:
    box.broken = True
    made = daemon(telling, notices=QUARTER)
    made.fire_due()
    for broken, trouble in ((True, {"notices": "NOTICE-01"}), (False, {})):
        box.broken = broken
        telling.sleep(900)
        telling.sweep()
        made.fire_due()
        finished(made)
        assert made.troubles() == trouble
    assert len(box.arrived) == 1
