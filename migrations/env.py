"""alembic's entry: runs the migrations on the connection that app/db/migrate.py hands over."""

from __future__ import annotations

from alembic import context

from app.db.tables import SCHEMA, metadata

LOCK_TIMEOUT = "500ms"
"""Less than PostgreSQL's deadlock_timeout (1 s): of a migration and a request that wait for each other, the migration
gives up first, and is tried again. Meanwhile requests queue behind it for no longer than this."""
STATEMENT_TIMEOUT = "60s"
"""A migration that needs more works in batches, or says so itself with SET LOCAL."""

connection = context.config.attributes["connection"]
connection.exec_driver_sql(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
connection.exec_driver_sql(f"SET statement_timeout = '{STATEMENT_TIMEOUT}'")
connection.commit()
context.configure(
    connection=connection,
    target_metadata=metadata,
    version_table_schema=SCHEMA,
    include_schemas=True,
    transaction_per_migration=True,  # one that holds two tables' locks and a request may wait for each other for ever
)
with context.begin_transaction():
    context.run_migrations()
