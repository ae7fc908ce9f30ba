"""How many bytes of bodies a statement brings: what is beyond stays in the database, where its length is known.

https://www.postgresql.org/docs/current/storage-toast.html — the length of a value is told without reading it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, bindparam, case, func

UNBOUNDED = 2**62
MOST_BYTES = bindparam("most_bytes", type_=BigInteger())


def bounded(body: ColumnElement[Any], order: Sequence[ColumnElement[Any]], most: ColumnElement[Any]) -> Any:
    """The body, where those before it in the order are within so many bytes together; otherwise NULL."""
    size = func.octet_length(body)
    before = func.sum(size).over(order_by=order, rows=(None, 0)) - size
    return case((before <= most, body)).label("body")


def sizes(rows: Sequence[Any]) -> list[int]:
    """The lengths of the bodies; one that was left behind is longer than any bound."""
    return [UNBOUNDED if row.body is None else len(row.body) for row in rows]
