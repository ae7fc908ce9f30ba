"""The OpenAPI document: what can be asked of the server and what it answers, from what it serves and validates by."""
