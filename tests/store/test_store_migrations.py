from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from store_clock import Clock

from sync.store import Store, StoreTooNew
from sync.store.database import Database
from sync.store.migrate import FOLDER
from sync.store.schema import HEAD, Id, metadata


def test_an_empty_database_gets_exactly_the_tables_that_the_statements_use(store: Store) -> None:
    with store._database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_ids_on_postgresql_are_compared_byte_by_byte_whatever_the_server_prefers(
    postgres_url: str, clock: Clock
) -> None:
    with Store.open(postgres_url, clock=clock) as store, store._database.read() as connection:
        collations = connection.execute(
            sa.text(
                "SELECT table_name, column_name, collation_name FROM information_schema.columns "
                "WHERE table_schema = current_schema()"
            )
        )
        found = {(table, column): collation for table, column, collation in collations}
    ids = {(table.name, column.name) for table in metadata.tables.values() for column in table.c if column.type is Id}
    assert len(ids) > 20
    assert {found[place] for place in ids} == {"C"}


def test_opening_again_changes_nothing(store: Store, open_store: Callable[[], Store]) -> None:
    store.request(["deal"], 0)
    assert open_store().work_items() == store.work_items()
    assert len(store.work_items()) == 1


def test_a_migration_that_is_broken_off_leaves_no_table_behind(url: str, clock: Clock) -> None:
    def break_off(*args: Any) -> None:
        if "CREATE TABLE notes" in args[2]:
            raise InterruptedError

    sa.event.listen(sa.Engine, "before_cursor_execute", break_off)
    try:
        with pytest.raises(InterruptedError):
            Store.open(url, clock=clock)
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", break_off)
    database = Database.open(url)
    with database.read() as connection:
        assert sa.inspect(connection).get_table_names() == []
    database.close()
    Store.open(url, clock=clock).close()


def test_the_newest_migration_is_the_one_that_open_looks_for() -> None:
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


def test_a_store_of_a_newer_version_is_refused_and_left_alone(store: Store, open_store: Callable[[], Store]) -> None:
    with store._database.write() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreTooNew, match="install a newer one"):
        open_store()
    with store._database.read() as connection:
        assert connection.scalar(sa.text("SELECT version_num FROM alembic_version")) == "9999"


def test_two_that_both_found_the_database_empty_migrate_it_once(url: str, clock: Clock) -> None:
    both_looked = threading.Barrier(2, timeout=30)
    looked = threading.local()

    def wait_for_the_other(_: sa.Connection) -> None:
        if not hasattr(looked, "once"):
            looked.once = True
            both_looked.wait()

    sa.event.listen(sa.Engine, "commit", wait_for_the_other)
    try:
        with ThreadPoolExecutor(2) as threads:
            stores = list(threads.map(lambda _: Store.open(url, clock=clock), range(2)))
    finally:
        sa.event.remove(sa.Engine, "commit", wait_for_the_other)
    for store in stores:
        assert store.work_items() == ()
        store.close()


_OPENS = """
import sys
from datetime import UTC, datetime
from sync.store import Store
print("ready", flush=True)
sys.stdin.readline()
store = Store.open(sys.argv[1], clock=lambda: datetime.now(UTC))
store.request([sys.argv[2]], 0)
print(len(store.work_items()))
"""


def test_many_processes_may_open_an_empty_database_at_once(url: str) -> None:
    openers = [
        subprocess.Popen(
            [sys.executable, "-c", _OPENS, url, f"deal-{number}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(3)
    ]
    for opener in openers:
        assert opener.stdout
        assert opener.stdout.readline() == "ready\n"
    for opener in openers:
        assert opener.stdin
        opener.stdin.write("go\n")
        opener.stdin.flush()
    for opener in openers:
        _, errors = opener.communicate(timeout=60)
        assert opener.returncode == 0, errors
    database = Database.open(url)
    with database.read() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM work")) == 3
        assert connection.scalar(sa.text("SELECT count(*) FROM alembic_version")) == 1
    database.close()
