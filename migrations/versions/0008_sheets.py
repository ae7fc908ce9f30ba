"""The ledger's entries are chained by sheets in lanes, so that no disclosure waits for another."""

from __future__ import annotations

from migrations.run_sql import run

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Check the students' chains, put their entries on sheets, and make anew the functions that enter."""
    run("0008_sheets.sql")


def downgrade() -> None:
    """The chains that there were before cannot be made again but by who could have forged them."""
    raise RuntimeError("the ledger cannot be chained by student again")
