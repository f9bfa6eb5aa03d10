"""Accepted events, schedules that fire once, and a quota that all processes share."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables of the inbox, of schedules and of quotas."""
    op.create_table(
        "inbox",
        sa.Column("id", _SERIAL, sa.Identity(), nullable=False),
        sa.Column("connection", _ID, nullable=False),
        sa.Column("event_id", _ID, nullable=False),
        sa.Column("received_at", _MOMENT, nullable=False),
        sa.Column("ids", sa.Text, nullable=False),
        sa.Column("taken_at", _MOMENT),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("inbox_event", "inbox", ["connection", "event_id"], unique=True)
    waiting = sa.text("taken_at IS NULL")
    op.create_index("inbox_waiting", "inbox", ["id"], sqlite_where=waiting, postgresql_where=waiting)
    op.create_table(
        "schedule",
        sa.Column("job", _ID, nullable=False),
        sa.Column("due_at", _MOMENT, nullable=False),
        sa.Column("last_fired_at", _MOMENT),
        sa.Column("fired_by", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("job"),
    )
    op.create_table(
        "quota",
        sa.Column("connection", _ID, nullable=False),
        sa.Column("window_start", _MOMENT, nullable=False),
        sa.Column("used", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("connection"),
    )
