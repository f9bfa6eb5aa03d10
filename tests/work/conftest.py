"""Workers on a store and on stages; real processes where a process must die or stand still."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from work_desk import metadata
from work_engines import Engine

from sync.store import Store


@pytest.fixture(params=["embedded-sqlite", "embedded-postgresql", "procrastinate-postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """Every way of running work, on an empty store."""
    runner, _, database = request.param.partition("-")
    sqlite = f"sqlite:///{tmp_path / 'closedwon.db'}"
    url = sqlite if database == "sqlite" else request.getfixturevalue("new_postgres")()
    store = Store.open(url, clock=lambda: datetime.now(UTC))
    metadata.create_all(store._database.engine)
    made = Engine(runner, url, store)
    yield made
    made.end()
