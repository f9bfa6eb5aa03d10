"""Whose deal an onboarding is: found by account, so that a copied or split deal gets no second plan."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add the account's mark; onboardings from before get theirs when their deal is remembered next."""
    op.add_column("onboardings", sa.Column("account", _ID))
    op.create_index("onboardings_account", "onboardings", ["account"])
