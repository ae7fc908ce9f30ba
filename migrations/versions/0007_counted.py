"""Totals are counted by what the access index settles; a waiting disclosure holds no later lock."""

from __future__ import annotations

from migrations.run_sql import run

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the custodian to each row of the index, and make anew the view, policies and functions that read it."""
    run("0007_counted.sql")


def downgrade() -> None:
    """Nothing is lost with it, but the functions before it do not fill the column."""
    raise RuntimeError("the custodian cannot be taken out of the access index")
