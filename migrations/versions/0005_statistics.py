"""Statistics that tell the planner how many rows a criterion has, and an organization of a type."""

from __future__ import annotations

from migrations.run_sql import run

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Create the statistics; the next ANALYZE fills them."""
    run("0005_statistics.sql")


def downgrade() -> None:
    """Searches would cost what the planner guesses."""
    raise RuntimeError("the planner's statistics cannot be taken away")
