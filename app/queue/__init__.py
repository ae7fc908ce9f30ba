"""The queue of background work, in PostgreSQL: pgqueuer's, on our driver and in our schema."""
