"""How psycopg reaches the database that a store's address names; used by the parts of `sync.work` that stand beside it.

The store itself goes through SQLAlchemy. What listens for wake-ups, and Procrastinate, need connections of their own to
the same database, made with the same words. Nothing here opens one.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

PUBLIC = "public"
JOBS = "closedwon_jobs"
"""The schema of Procrastinate's tables, where the store lives in `public`; else it is named after the store's."""


class NoJobs(Exception):
    """The store's user may not make the schema of Procrastinate's tables; the message says what to do."""

    def __init__(self, schema: str) -> None:
        super().__init__(
            f"`engine: procrastinate` keeps its jobs in a schema {schema} of the store's database, which the store's "
            "user may not make or use. As that database's administrator, and with the store's user for USER, run "
            f"CREATE SCHEMA {schema} AUTHORIZATION USER; then start again."
        )


def is_postgres(url: str) -> bool:
    """Tell whether a store's address names a PostgreSQL."""
    return sa.make_url(url).get_backend_name() == "postgresql"


def connect_args(url: str, schema: str = "") -> dict[str, Any]:
    """Return psycopg's keyword arguments for a store's address; with a schema, names are looked up in that one only."""
    parsed = sa.make_url(url).set(drivername="postgresql+psycopg")
    _, given = parsed.get_dialect()().create_connect_args(parsed)
    args: dict[str, Any] = dict(given)
    if schema:  # the last of several settings wins
        args["options"] = f"{args.get('options', '')} -csearch_path={_escaped(schema)}".strip()
    return args


def jobs_schema(store_schema: str) -> str:
    """Name the schema of Procrastinate's tables, so that several stores may share a database."""
    return JOBS if store_schema == PUBLIC else f"{store_schema}_jobs"


def _escaped(schema: str) -> str:
    quoted = '"' + schema.replace('"', '""') + '"'
    return quoted.replace("\\", "\\\\").replace(" ", "\\ ")
