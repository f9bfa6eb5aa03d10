"""Workers on a store and on stages; real processes where a process must die or stand still."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from work_engines import Engine


@pytest.fixture(params=["embedded-sqlite", "embedded-postgresql", "procrastinate-postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """Every way of running work, on an empty store."""
    runner, _, database = request.param.partition("-")
    sqlite = f"sqlite:///{tmp_path / 'closedwon.db'}"
    url = sqlite if database == "sqlite" else request.getfixturevalue("new_postgres")()
    with Engine.of(runner, url, tmp_path) as made:
        yield made


@pytest.fixture
def scale(new_postgres: Callable[[], str], tmp_path: Path) -> Iterator[Engine]:
    """Work by Procrastinate's jobs alone."""
    with Engine.of("procrastinate", new_postgres(), tmp_path) as made:
        yield made
