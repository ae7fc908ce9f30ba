"""alembic's entry: runs the migrations on the connection that app/store/migrate.py hands over."""

from __future__ import annotations

from alembic import context

from app.store.tables import SCHEMA, metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, version_table_schema=SCHEMA, include_schemas=True)
with context.begin_transaction():
    context.run_migrations()
