"""The feed test: who follows `_history` loses nothing, whatever is written, released and withdrawn meanwhile."""
