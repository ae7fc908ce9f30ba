"""The search index."""

from __future__ import annotations

from migrations.run_sql import run

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the tables of terms."""
    run("0002_search.sql")


def downgrade() -> None:
    """Resources without terms could not be found."""
    raise RuntimeError("the search index cannot be taken away")
