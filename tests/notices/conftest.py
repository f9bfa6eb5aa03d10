"""A letterbox, a clock, a real store, and rounds of notices on them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from notices_desk import Clock, Letterbox, letterbox
from pydantic import SecretStr
from rounds_desk import CALENDAR, NEVER, RULES, Rounds

from sync.core.notices import NoticeRules
from sync.notices.post import Channel, Post
from sync.notices.rounds import Quiet, Round
from sync.store import Store


@pytest.fixture
def box() -> Iterator[Letterbox]:
    with letterbox() as made:
        yield made


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(database: str, clock: Clock) -> Iterator[Store]:
    with Store.open(database, clock=clock) as opened:
        yield opened


@pytest.fixture
def rounds(store: Store, clock: Clock, box: Letterbox) -> Rounds:
    def make(quiet: Quiet = NEVER, rules: NoticeRules = RULES, **channels: str) -> Round:
        ways = [Channel(name, SecretStr(url)) for name, url in (channels or {"team": box.address}).items()]
        routes = {kind: [way.name for way in ways] for kind in ("hours", "risk", "overdue", "unproven")}
        return Round(store=store, post=Post(ways, routes), rules=rules, quiet=quiet, calendar=CALENDAR, now=clock)

    return make
