"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables of work, of onboardings, of what people look at, and of the feeds."""
    _work()
    _onboardings()
    _views()
    _feeds()


def _id(name: str) -> sa.Column[str]:
    return sa.Column(name, _ID, nullable=False)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def _work() -> None:
    op.create_table(
        "work",
        _id("key"),
        sa.Column("requested", sa.BigInteger, nullable=False),
        sa.Column("done", sa.BigInteger, nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("dirty_since", _MOMENT, nullable=False),
        sa.Column("not_before", _MOMENT),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        _text("owner"),
        sa.Column("lease_until", _MOMENT),
        sa.Column("fence", sa.BigInteger, nullable=False),
        _text("error"),
        sa.PrimaryKeyConstraint("key"),
    )
    dirty = sa.text("requested > done")
    op.create_index(
        "work_dirty", "work", ["priority", "dirty_since", "key"], sqlite_where=dirty, postgresql_where=dirty
    )


def _onboardings() -> None:
    op.create_table(
        "onboardings",
        _id("key"),
        *(sa.Column(name, sa.Text) for name in ("template", "template_version", "deal", "base", "rollup")),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "bindings",
        *(_id(name) for name in ("key", "item", "connection")),
        _text("kind"),
        _id("ref_id"),
        _id("container"),
        _text("url"),
        _text("state"),
        sa.PrimaryKeyConstraint("key", "item", "connection"),
        sqlite_with_rowid=False,
    )
    op.create_index("bindings_ref", "bindings", ["ref_id", "connection"])
    op.create_index("bindings_container", "bindings", ["container", "connection", "key"])
    op.create_table(
        "intents",
        *(_id(name) for name in ("connection", "write_key", "key", "item")),
        _text("kind"),
        _text("mark"),
        sa.Column("opened_at", _MOMENT, nullable=False),
        _text("name"),
        sa.PrimaryKeyConstraint("connection", "write_key"),
    )
    op.create_index("intents_key", "intents", ["key", "item"])


def _views() -> None:
    op.create_table(
        "quarantine",
        *(_id(name) for name in ("key", "item", "connection", "field")),
        *(_text(name) for name in ("code", "message", "severity")),
        sa.Column("since", _MOMENT, nullable=False),
        _text("attempt"),
        sa.PrimaryKeyConstraint("key", "item", "connection", "field"),
    )
    op.create_index("quarantine_since", "quarantine", ["since"])
    op.create_table(
        "history",
        sa.Column("id", _SERIAL, sa.Identity(), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        _id("key"),
        _id("item"),
        *(_text(name) for name in ("field", "old", "new", "source", "rule")),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("history_key", "history", ["key", "id"])


def _feeds() -> None:
    op.create_table(
        "time_entries",
        *(_id(name) for name in ("connection", "id", "record_id")),
        _text("author"),
        sa.Column("seconds", sa.BigInteger, nullable=False),
        sa.Column("started", _MOMENT, nullable=False),
        sa.Column("updated", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("connection", "id"),
    )
    op.create_index("time_entries_record", "time_entries", ["record_id", "connection", "seconds"])
    op.create_table(
        "cursors",
        _id("connection"),
        _id("feed"),
        _text("cursor"),
        sa.Column("advanced_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("connection", "feed"),
    )
    op.create_table(
        "notes", _id("connection"), _id("note"), _text("value"), sa.PrimaryKeyConstraint("connection", "note")
    )
