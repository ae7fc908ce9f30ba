"""The search index: the rows of app.search.rows for the current version of each resource.

https://hl7.org/fhir/R4/search.html

Under row-level security PostgreSQL uses an index for leakproof operators alone (=, <, <=, >, >=), so that texts
are compared byte by byte (COLLATE "C") and a prefix is a range. '' stands for an absent part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Column, Index, Integer, Numeric, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import TIMESTAMP

from app.db.tables import metadata
from app.search.rows import Row, Terms


def _table(name: str, *columns: Column[Any]) -> Table:
    """A table whose first columns say which resource and parameter a row belongs to; `n` tells rows apart."""
    return Table(
        name,
        metadata,
        Column("compartment", Uuid(), primary_key=True),
        Column("id", Uuid(), primary_key=True),
        Column("param", Text(collation="C"), primary_key=True),
        Column("n", Integer(), primary_key=True, autoincrement=False),
        Column("custodian", Uuid(), nullable=False),
        Column("type", Text(collation="C"), nullable=False),
        *columns,
    )


def _text(name: str) -> Column[Any]:
    return Column(name, Text(collation="C"), nullable=False)


def _moment(name: str) -> Column[Any]:
    return Column(name, TIMESTAMP(timezone=True), nullable=False)


term_token = _table("term_token", _text("system"), _text("code"))
term_string = _table("term_string", _text("folded"), _text("exact"))
term_reference = _table(
    "term_reference", _text("target_type"), Column("target", Uuid()), _text("url"), _text("system"), _text("code")
)
term_date = _table("term_date", _moment("lower"), _moment("upper"))
term_quantity = _table(
    "term_quantity",
    Column("low", Numeric(), nullable=False),
    Column("high", Numeric(), nullable=False),
    _text("system"),
    _text("code"),
    _text("unit"),
)
term_uri = _table("term_uri", _text("value"))

TERM_TABLES = (term_token, term_string, term_reference, term_date, term_quantity, term_uri)
"""In the order of the fields of Terms."""

Index("term_token_code", *(term_token.c[n] for n in ("type", "param", "code", "system")))
Index("term_string_folded", *(term_string.c[n] for n in ("type", "param", "folded")))
Index(
    "term_reference_target",
    *(term_reference.c[n] for n in ("target", "type", "param")),
    postgresql_where=term_reference.c.target.is_not(None),
)
Index(
    "term_reference_url", *(term_reference.c[n] for n in ("url", "type", "param")), postgresql_where=text("url <> ''")
)
Index(
    "term_reference_code",
    *(term_reference.c[n] for n in ("code", "type", "param")),
    postgresql_where=text("code <> ''"),
)
Index("term_date_lower", *(term_date.c[n] for n in ("type", "param", "lower")))
Index("term_date_upper", *(term_date.c[n] for n in ("type", "param", "upper")))
Index("term_quantity_low", *(term_quantity.c[n] for n in ("type", "param", "low")))
Index("term_uri_value", *(term_uri.c[n] for n in ("type", "param", "value")))


def term_rows(
    terms: Terms, compartment: UUID, id_: UUID, custodian: UUID, type_name: str
) -> list[tuple[Table, list[dict[str, Any]]]]:
    """The rows of each table for one resource; tables without a row are left out."""
    head = {"compartment": compartment, "id": id_, "custodian": custodian, "type": type_name}
    return [
        (table, [{**head, "n": n, **asdict(row)} for n, row in enumerate(rows)])
        for table, rows in zip(TERM_TABLES, _fields(terms), strict=True)
        if rows
    ]


def terms_document(found: Sequence[Terms | None]) -> str:
    """The terms of resources as hallpass.put_terms takes them: by table, a list for each resource."""
    fields = [_fields(terms) if terms is not None else _NONE for terms in found]
    by_table = zip(TERM_TABLES, zip(*fields, strict=True), strict=True)
    document = {table.name: lists for table, lists in by_table if any(lists)}
    return orjson.dumps(document, default=str, option=orjson.OPT_NON_STR_KEYS).decode()  # SQLAlchemy's names are no str


def _fields(terms: Terms) -> tuple[tuple[Row, ...], ...]:
    return (terms.tokens, terms.strings, terms.references, terms.dates, terms.quantities, terms.uris)


_NONE: tuple[tuple[Row, ...], ...] = ((),) * len(TERM_TABLES)
