"""The access index settles what one provision alone can decide; a disclosure takes its own locks."""

from __future__ import annotations

from migrations.run_sql import run

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the columns, the short way of the policy, and fill them for the releases that there are."""
    run("0006_settled.sql")


def downgrade() -> None:
    """What was disclosed by the short way cites the same releases; the columns have no other home."""
    raise RuntimeError("the settled part of the access index cannot be taken away")
