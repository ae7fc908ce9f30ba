"""Query strings that stand outside the URL of a request: in If-None-Exist, and in the entries of a Bundle."""

from __future__ import annotations

from urllib.parse import parse_qsl

from app.errors import HallpassError, Issue, Kind


def query_pairs(query: str) -> list[tuple[str, str]]:
    """The decoded pairs of a query, with or without its question mark or type. Raises INVALID for none or a bad one."""
    head, mark, tail = query.partition("?")
    if mark and "=" not in head:  # else the question mark is part of a value
        query = tail
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True, max_num_fields=200)
    except ValueError:
        pairs = []
    if not pairs:
        raise HallpassError(
            Kind.INVALID, Issue("The condition must be search parameters, such as identifier=system|value.")
        )
    return pairs
