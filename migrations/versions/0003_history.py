"""Indexes for the history of types."""

from __future__ import annotations

from migrations.run_sql import run

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create the indexes and the functions that use them."""
    run("0003_history.sql")


def downgrade() -> None:
    """The history of types could not be answered."""
    raise RuntimeError("the history's indexes cannot be taken away")
