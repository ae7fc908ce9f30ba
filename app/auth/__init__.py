"""Who calls: scopes, client assertions, tokens, the client registry and its endpoints."""
