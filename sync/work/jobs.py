"""Procrastinate beside the store: its tables in a schema of their own, and the one job there is, which says "drain".

Used by `sync.work.draining`. A job names no onboarding: what is to be done, and who may do it, stands in the store's
work rows. So a job that is lost, doubled or left behind by a killed process costs at most a look for nothing. It has
neither Procrastinate's `lock` (one left by a dead process would stop all others) nor its `retry` (a second job of the
same queueing lock makes it fail), see docs/decisions/0014.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import procrastinate
import psycopg
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
from procrastinate.jobs import Status
from procrastinate.schema import SchemaManager
from psycopg import sql

from sync.store import StoreUnavailable
from sync.work.postgres import NoJobs, connect_args, jobs_schema

DRAIN = "closedwon.drain"
QUEUE = "closedwon"
WAITING = "drain"
"""The queueing lock: at most one job waits, however often it was asked for."""
PATIENCE_SECONDS = 3.0
"""How long to wait for the database: a process that is told to stop has ten seconds for everything."""
_INSTALLING = 0x636C6F7365644A6F
"""The advisory lock's number: "closedJo"."""
_MARKS = "CREATE TABLE IF NOT EXISTS closedwon_migrations (name text PRIMARY KEY)"


class Jobs:
    """Where the jobs are. `open` makes the tables, or brings them up to date with the installed Procrastinate."""

    def __init__(self, args: dict[str, Any]) -> None:
        self._args = args

    @classmethod
    def open(cls, url: str) -> Jobs:
        """Find or make the jobs of a store; safe when many processes open at once.

        Raises NoJobs when the store's user may not make them, StoreUnavailable when the database does not answer.
        """
        schema = ""
        try:
            with psycopg.connect(**connect_args(url), autocommit=True) as connection:
                (current,) = connection.execute("SELECT current_schema()").fetchone() or ("",)
                schema = jobs_schema(current)
                _install(connection, schema)
        except psycopg.errors.InsufficientPrivilege as error:
            raise NoJobs(schema) from error
        except psycopg.OperationalError as error:
            raise StoreUnavailable("The store's database did not answer. See that it runs, then start again") from error
        return cls(connect_args(url, schema))

    def app(self, drain: Callable[[], None]) -> procrastinate.App:
        """Make the application whose one task drains, for one event loop."""
        connector = procrastinate.PsycopgConnector(kwargs=self._args, min_size=1, max_size=2, timeout=PATIENCE_SECONDS)
        app = procrastinate.App(connector=connector)
        app.task(name=DRAIN, queue=QUEUE, queueing_lock=WAITING)(drain)
        return app

    def deferrer(self) -> Deferrer:
        """Make what asks for draining; for one thread."""
        return Deferrer(self._args)


class Deferrer:
    """Announces by a job, unless one waits already."""

    def __init__(self, args: dict[str, Any]) -> None:
        self._args = args
        self._app: procrastinate.App | None = None

    def announce(self) -> None:
        """Have somebody drain; raises Procrastinate's and psycopg's errors.

        Whoever takes a job that waits now will look later than now: so a waiting one is as good as one of our own.
        """
        if self._app is None:
            connector = procrastinate.SyncPsycopgConnector(
                kwargs=self._args, min_size=1, max_size=1, timeout=PATIENCE_SECONDS
            )
            self._app = procrastinate.App(connector=connector).open()
        # Asked first, since each refusal by the unique index is an error in the server's log.
        if self._app.job_manager.list_jobs(queue=QUEUE, status=Status.TODO.value, queueing_lock=WAITING):
            return
        with contextlib.suppress(AlreadyEnqueued):
            self._app.configure_task(DRAIN, queue=QUEUE, queueing_lock=WAITING).defer()

    def close(self) -> None:
        """Let go of the connection."""
        app, self._app = self._app, None
        if app is not None:
            app.close()


async def clear_stalled(app: procrastinate.App) -> None:
    """Delete the jobs of processes that ended without a word: they block nothing, but nobody else would clear them."""
    for job in await app.job_manager.get_stalled_jobs(queue=QUEUE):
        if job.id is not None:
            with contextlib.suppress(ConnectorException):  # somebody else was quicker
                await app.job_manager.finish_job_by_id_async(job.id, Status.FAILED, delete_job=True)


def _install(connection: psycopg.Connection[Any], schema: str) -> None:
    connection.execute("SELECT pg_advisory_lock(%s)", (_INSTALLING,))  # until the connection ends
    known = {file.name: file for file in Path(SchemaManager.get_migrations_path()).glob("*.sql")}
    if connection.execute("SELECT to_regnamespace(quote_ident(%s))", (schema,)).fetchone() == (None,):
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
    connection.execute("SELECT set_config('search_path', quote_ident(%s), false)", (schema,))
    with connection.transaction():
        connection.execute(_MARKS)
        done = {name for (name,) in connection.execute("SELECT name FROM closedwon_migrations")}
        if not done:
            connection.execute(SchemaManager.get_schema())
            _mark(connection, *known)
            return
    # Each in a transaction of its own: what one adds to a type, the next may use only after the commit.
    for name in sorted(known.keys() - done):
        with connection.transaction():
            connection.execute(known[name].read_bytes())
            _mark(connection, name)


def _mark(connection: psycopg.Connection[Any], *names: str) -> None:
    connection.cursor().executemany("INSERT INTO closedwon_migrations VALUES (%s)", [(name,) for name in names])
