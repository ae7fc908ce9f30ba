"""The first schema: a new database gets all of schema/ and starts at the newest revision (app/db/migrate.py)."""

from __future__ import annotations

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Nothing to do: this is where migrations count from."""


def downgrade() -> None:
    """There is no way back from records to none."""
    raise RuntimeError("The first migration cannot be undone. To start again, create a new database.")
