"""What a request, a client and an address may use: every budget is declared here, and listed in docs/limits.md."""
