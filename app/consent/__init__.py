"""What a signed release permits: rules, decision, the same as SQL, and the access service."""
