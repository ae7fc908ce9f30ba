"""PostgreSQL: the engine, the embedded server, tables, reads and writes."""
