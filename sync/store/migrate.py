"""Brings a database's tables up to date with Alembic; called by `Store.open`, safe when many processes open at once.

All of it is one transaction on both databases: a process killed in it leaves the tables as they were.
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from sync.store.database import Database
from sync.store.schema import HEAD

FOLDER = Path(__file__).parent / "migrations"

_LOCK = 0x636C6F736564776F
"""The advisory lock's number on PostgreSQL: "closedwo"."""


class StoreTooNew(Exception):
    """The database was written by a newer Closedwon; nothing was touched. Upgrade this one."""


def migrate(database: Database) -> None:
    """Run the migrations that the database lacks; raises StoreTooNew for one that is ahead of this code."""
    with database.read() as connection:
        if _version(connection) == HEAD:
            return
    with database.write() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        _upgrade(connection)


def _version(connection: sa.Connection) -> str:
    if not sa.inspect(connection).has_table("alembic_version"):
        return ""
    return connection.scalar(sa.text("SELECT version_num FROM alembic_version")) or ""


def _upgrade(connection: sa.Connection) -> None:
    from alembic import command  # noqa: PLC0415 - a tenth of a second that only a first start should pay
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    version = _version(connection)
    if version and version not in known:
        raise StoreTooNew(f"The store is at version {version}, which this Closedwon does not know: install a newer one")
    command.upgrade(config, "head")
