"""A fresh store on either database for each test: a new SQLite file, or a new schema of one PostgreSQL server."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from store_clock import Clock

from sync.store import Store

_numbers = itertools.count()


@pytest.fixture(scope="session", autouse=True)
def _an_older_sqlite() -> None:
    """Take no more values in a statement than SQLite did until 2020."""

    def limit(connection: object, _record: object) -> None:
        if isinstance(connection, sqlite3.Connection):
            connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 999)

    sa.event.listen(sa.Pool, "connect", limit)


@pytest.fixture
def postgres_url(postgres: sa.Engine) -> str:
    schema = f"test_{next(_numbers)}"
    with postgres.begin() as connection:
        connection.execute(sa.schema.CreateSchema(schema))
    address = postgres.url.update_query_dict({"options": f"-csearch_path={schema}"})
    return address.set(drivername="postgresql").render_as_string(hide_password=False)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'closedwon.db'}"
    address: str = request.getfixturevalue("postgres_url")
    return address


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def open_store(url: str, clock: Clock) -> Iterator[Callable[[], Store]]:
    """Open the same database once more, as another process would."""
    opened: list[Store] = []

    def opener() -> Store:
        opened.append(Store.open(url, clock=clock))
        return opened[-1]

    yield opener
    for store in opened:
        store.close()


@pytest.fixture
def store(open_store: Callable[[], Store]) -> Store:
    return open_store()
