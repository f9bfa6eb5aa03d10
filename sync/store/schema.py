"""The store's tables as they are now. Migrations lead to them; `tests/store` proves that both say the same.

Read by the statements in `sync.store` only. Times are UTC; values are JSON text of `sync.store.codec`.
"""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa

HEAD = "0004"
"""The newest migration: a database that says so needs none (and Alembic need not be imported to find out)."""


class Moment(sa.TypeDecorator[datetime]):
    """An aware moment, kept and returned in UTC; SQLite knows none, so there the zone is implied."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Turn a moment into UTC; a naive one is a mistake of the caller's."""
        del dialect
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("A moment without a time zone cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Return the moment as aware UTC."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Prose(sa.TypeDecorator[str]):
    """Text written by people or vendors; what PostgreSQL cannot keep (NUL, half a surrogate pair) becomes a mark."""

    impl = sa.Text()
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:
        """Replace what no database takes, so that one odd text never stops a whole batch."""
        del dialect
        if value is None or (value.isascii() and "\0" not in value):
            return value
        return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")


Id = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
"""Keys and vendor ids: compared byte by byte, so that pages come in one order on both databases."""

Serial = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

metadata = sa.MetaData()


def _id(name: str, *, primary_key: bool = False) -> sa.Column[str]:
    return sa.Column(name, Id, primary_key=primary_key, nullable=False)


work = sa.Table(
    "work",
    metadata,
    _id("key", primary_key=True),
    sa.Column("requested", sa.BigInteger, nullable=False),
    sa.Column("done", sa.BigInteger, nullable=False),
    sa.Column("priority", sa.Integer, nullable=False),
    sa.Column("dirty_since", Moment, nullable=False),
    sa.Column("not_before", Moment),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("lease_until", Moment),
    sa.Column("fence", sa.BigInteger, nullable=False),
    sa.Column("error", Prose, nullable=False),
)
DIRTY = work.c.requested > work.c.done
sa.Index(
    "work_dirty",
    work.c.priority,
    work.c.dirty_since,
    work.c.key,
    sqlite_where=DIRTY,
    postgresql_where=DIRTY,
)

onboardings = sa.Table(
    "onboardings",
    metadata,
    _id("key", primary_key=True),
    # None in any of these means that no reconcile has said it yet.
    sa.Column("template", sa.Text),
    sa.Column("template_version", sa.Text),
    sa.Column("deal", sa.Text),
    sa.Column("base", sa.Text),
    sa.Column("rollup", sa.Text),
    # Names the deal's account; see `sync.core.twins`.
    sa.Column("account", Id),
    sa.Index("onboardings_account", "account"),
)

bindings = sa.Table(
    "bindings",
    metadata,
    _id("key", primary_key=True),
    _id("item", primary_key=True),
    _id("connection", primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    _id("ref_id"),
    _id("container"),
    sa.Column("url", Prose, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    # The id leads: an index led by `connection` would tempt SQLite away from the primary key's order when paging.
    sa.Index("bindings_ref", "ref_id", "connection"),
    sa.Index("bindings_container", "container", "connection", "key"),
    sqlite_with_rowid=False,  # an onboarding's bindings lie side by side
)

intents = sa.Table(
    "intents",
    metadata,
    _id("connection", primary_key=True),
    _id("write_key", primary_key=True),
    _id("key"),
    _id("item"),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("mark", Prose, nullable=False),
    sa.Column("opened_at", Moment, nullable=False),
    sa.Column("name", Prose, nullable=False),
    sa.Index("intents_key", "key", "item"),
)

quarantine = sa.Table(
    "quarantine",
    metadata,
    _id("key", primary_key=True),
    _id("item", primary_key=True),
    _id("connection", primary_key=True),
    _id("field", primary_key=True),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("message", Prose, nullable=False),
    sa.Column("severity", sa.Text, nullable=False),
    sa.Column("since", Moment, nullable=False),
    sa.Column("attempt", Prose, nullable=False),
    sa.Index("quarantine_since", "since"),
)

history = sa.Table(
    "history",
    metadata,
    sa.Column("id", Serial, sa.Identity(), primary_key=True),
    sa.Column("at", Moment, nullable=False),
    _id("key"),
    _id("item"),
    sa.Column("field", Prose, nullable=False),
    sa.Column("old", Prose, nullable=False),
    sa.Column("new", Prose, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("rule", sa.Text, nullable=False),
    sa.Index("history_key", "key", "id"),
)

time_entries = sa.Table(
    "time_entries",
    metadata,
    _id("connection", primary_key=True),
    _id("id", primary_key=True),
    _id("record_id"),
    sa.Column("author", Prose, nullable=False),
    sa.Column("seconds", sa.BigInteger, nullable=False),
    sa.Column("started", Moment, nullable=False),
    sa.Column("updated", Moment, nullable=False),
    sa.Index("time_entries_record", "record_id", "connection", "seconds"),
)

cursors = sa.Table(
    "cursors",
    metadata,
    _id("connection", primary_key=True),
    _id("feed", primary_key=True),
    sa.Column("cursor", sa.Text, nullable=False),
    sa.Column("advanced_at", Moment, nullable=False),
)

notes = sa.Table(
    "notes",
    metadata,
    _id("connection", primary_key=True),
    _id("note", primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

inbox = sa.Table(
    "inbox",
    metadata,
    sa.Column("id", Serial, sa.Identity(), primary_key=True),
    _id("connection"),
    _id("event_id"),
    sa.Column("received_at", Moment, nullable=False),
    sa.Column("ids", sa.Text, nullable=False),
    sa.Column("taken_at", Moment),
)
WAITING = inbox.c.taken_at.is_(None)
sa.Index("inbox_event", inbox.c.connection, inbox.c.event_id, unique=True)
sa.Index("inbox_waiting", inbox.c.id, sqlite_where=WAITING, postgresql_where=WAITING)

schedule = sa.Table(
    "schedule",
    metadata,
    _id("job", primary_key=True),
    sa.Column("due_at", Moment, nullable=False),
    sa.Column("last_fired_at", Moment),
    sa.Column("fired_by", sa.Text, nullable=False),
)

# A bucket that leaks: `used` units were in it at `window_start`.
quota = sa.Table(
    "quota",
    metadata,
    _id("connection", primary_key=True),
    sa.Column("window_start", Moment, nullable=False),
    sa.Column("used", sa.Float, nullable=False),
)

documents = sa.Table(
    "documents",
    metadata,
    _id("kind", primary_key=True),
    _id("key", primary_key=True),
    _id("name", primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("at", Moment, nullable=False),
)
