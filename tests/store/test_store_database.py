from __future__ import annotations

import sqlite3
import stat
import threading
import time
from pathlib import Path

import pytest
import sqlalchemy as sa
from store_clock import Clock

from sync.store import Store, StoreUnavailable
from sync.store.database import Database, chunks


@pytest.mark.parametrize("address", ["sqlite://", "sqlite:///:memory:"])
def test_a_store_that_would_forget_is_refused(address: str, clock: Clock) -> None:
    with pytest.raises(ValueError, match="name a file"):
        Store.open(address, clock=clock)


def test_another_database_is_refused_with_what_to_change(clock: Clock) -> None:
    with pytest.raises(ValueError, match=r"change `store` in config\.yaml"):
        Store.open("mysql://host/closedwon", clock=clock)


def test_a_database_that_does_not_answer_is_named_without_its_password(clock: Clock) -> None:
    with pytest.raises(StoreUnavailable, match="See that it runs") as caught:
        Store.open("postgresql://me:planted-secret@127.0.0.1:9/closedwon", clock=clock)
    assert "planted-secret" not in str(caught.value)


def _put_twice(store: Store) -> None:
    with store._database.write() as connection:
        for _ in range(2):
            connection.execute(sa.text("INSERT INTO notes VALUES ('crm', 'note', :value)"), {"value": "planted-secret"})


def test_a_value_never_appears_in_a_database_error(store: Store) -> None:
    with pytest.raises(sa.exc.IntegrityError) as caught:
        _put_twice(store)
    assert "planted-secret" not in str(caught.value)


def test_a_failed_transaction_leaves_nothing(store: Store) -> None:
    with pytest.raises(sa.exc.IntegrityError):
        _put_twice(store)
    assert store.memory("crm").get("note") is None


def test_a_new_file_is_made_with_its_folder_and_only_its_owner_may_read_it(tmp_path: Path, clock: Clock) -> None:
    file = tmp_path / "new" / "closedwon.db"
    with Store.open(f"sqlite:///{file}", clock=clock) as store:
        store.request(["deal"], 0)
        assert {path.name: stat.S_IMODE(path.stat().st_mode) & 0o077 for path in file.parent.iterdir()} == {
            "closedwon.db": 0,
            "closedwon.db-wal": 0,
            "closedwon.db-shm": 0,
        }


def test_a_new_file_that_another_process_is_writing_to_is_waited_for(tmp_path: Path, clock: Clock) -> None:
    file = tmp_path / "closedwon.db"
    other = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    other.execute("CREATE TABLE other (x)")
    other.execute("BEGIN IMMEDIATE")
    ending = threading.Timer(0.2, lambda: other.execute("COMMIT"))
    ending.start()
    Store.open(f"sqlite:///{file}", clock=clock).close()
    ending.join()
    other.close()


def test_every_commit_on_sqlite_is_flushed_to_the_disk(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path / 'closedwon.db'}")
    with database.read() as connection:
        assert connection.scalar(sa.text("PRAGMA journal_mode")) == "wal"
        assert connection.scalar(sa.text("PRAGMA synchronous")) == 2
    database.close()


def test_a_reader_sees_one_moment_however_long_it_reads(store: Store) -> None:
    store.memory("crm").put("note", "1")
    count = sa.text("SELECT count(*) FROM notes")
    with store._database.read() as reader:
        assert reader.scalar(count) == 1
        store.memory("crm").put("other", "2")
        assert reader.scalar(count) == 1
    with store._database.read() as reader:
        assert reader.scalar(count) == 2


def test_what_stands_still_in_a_transaction_is_ended_by_the_server(postgres_url: str, clock: Clock) -> None:
    limit = "idle_in_transaction_session_timeout"

    def stand_still(store: Store) -> None:
        with store._database.write() as connection:
            assert connection.scalar(sa.text(f"SHOW {limit}")) == "1min"
            connection.execute(sa.text(f"SET LOCAL {limit} = '20ms'"))  # a minute is too long for a test
            time.sleep(0.2)
            connection.execute(sa.text("SELECT 1"))

    with Store.open(postgres_url, clock=clock) as store:
        with pytest.raises(StoreUnavailable, match="idle-in-transaction"):
            stand_still(store)
        store.request(["deal"], 0)
        assert [item.key for item in store.work_items()] == ["deal"]


def test_a_connection_that_the_server_closed_is_replaced(postgres_url: str, postgres: sa.Engine, clock: Clock) -> None:
    with Store.open(postgres_url, clock=clock) as store:
        with store._database.read() as connection:
            backend = connection.scalar(sa.text("SELECT pg_backend_pid()"))
        with postgres.connect() as admin:
            admin.execute(sa.text("SELECT pg_terminate_backend(:backend, 5000)"), {"backend": backend})
        store.request(["deal"], 0)
        assert [item.key for item in store.work_items()] == ["deal"]


def test_a_connection_that_is_lost_in_a_transaction_leaves_nothing_by_half(
    postgres_url: str, postgres: sa.Engine, clock: Clock
) -> None:
    with Store.open(postgres_url, clock=clock) as store:

        def cut(connection: sa.Connection, *_: object) -> None:
            backend = connection.connection.dbapi_connection.info.backend_pid
            with postgres.connect() as admin:
                admin.execute(sa.text("SELECT pg_terminate_backend(:backend, 5000)"), {"backend": backend})

        sa.event.listen(store._database.engine, "commit", cut, once=True)
        with pytest.raises(StoreUnavailable, match="nothing is left by half"):
            store.request(["deal"], 0)
        assert store.work_items() == ()
        store.request(["deal"], 0)
        assert len(store.work_items()) == 1


def test_threads_share_a_store(store: Store) -> None:
    def ask(number: int) -> None:
        for each in range(20):
            store.request([f"deal-{number}-{each}", "shared"], 0)
            store.load(["shared"])

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rows = {item.key: item.requested for item in store.work_items()}
    assert len(rows) == 81
    assert rows["shared"] == 80


def test_items_are_cut_where_the_limit_is() -> None:
    assert [len(chunk) for chunk in chunks(range(5), 2)] == [2, 2, 1]
    assert list(chunks([])) == []
