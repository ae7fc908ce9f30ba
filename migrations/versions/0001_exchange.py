"""The exchange: resources, releases, the access index, row-level security, the ledger, clients."""

from __future__ import annotations

from alembic import op

from migrations.run_sql import run

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create everything in the schema."""
    run("0001_exchange.sql")
    op.execute("GRANT SELECT ON hallpass.alembic_version TO hallpass_app")


def downgrade() -> None:
    """There is no way back from records to none."""
    raise RuntimeError("the first migration cannot be undone")
