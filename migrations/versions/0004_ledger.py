"""The ledger in partitions and chained by student; reads that share a commit; the trail of what is no disclosure."""

from __future__ import annotations

from migrations.run_sql import run

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Move the ledger, and make the functions that write it."""
    run("0004_ledger.sql")


def downgrade() -> None:
    """The chain of the ledger would be lost."""
    raise RuntimeError("the ledger's chain cannot be taken away")
