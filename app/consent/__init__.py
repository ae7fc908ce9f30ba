"""What a signed release permits: requirements, policies, evaluation. Pure: no database, no framework."""
