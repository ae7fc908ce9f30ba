"""The tables of tokens, keys and logins, as SQLAlchemy Core sees them. schema/tables makes them."""

from __future__ import annotations

from sqlalchemy import ARRAY, BigInteger, Column, LargeBinary, Table, Text, Uuid

from app.db.tables import metadata, moment

assertion = Table(
    "assertion",
    metadata,
    Column("client", Text(), primary_key=True),
    Column("jti", Text(), primary_key=True),
    moment("expires"),
)

signing_key = Table(
    "signing_key",
    metadata,
    Column("kid", Text(), primary_key=True),
    Column("sealed", Text(), nullable=False),
    moment("created", now=True),
    moment("retires", nullable=True),
    moment("expires", nullable=True),
)

revoked_token = Table(
    "revoked_token",
    metadata,
    Column("jti", Text(), primary_key=True),
    moment("expires"),
)

staff = Table(
    "staff",
    metadata,
    Column("client", Text(), primary_key=True),
    Column("organization", Uuid(), nullable=False),
    Column("name", Text(), nullable=False),
    Column("address", Text(), nullable=False),
    Column("role", Text(), nullable=False),
    Column("caseload", ARRAY(Text())),
    Column("issuer", Text()),
    Column("subject", Text()),
    moment("created", now=True),
)

sign_in_provider = Table(
    "sign_in_provider",
    metadata,
    Column("name", Text(), primary_key=True),
    Column("organization", Uuid(), nullable=False),
    Column("issuer", Text(), nullable=False),
    Column("client_id", Text(), nullable=False),
    Column("sealed", Text()),
    moment("created", now=True),
)

staff_link = Table(
    "staff_link",
    metadata,
    Column("digest", LargeBinary(), primary_key=True),
    Column("client", Text(), nullable=False),
    moment("expires"),
)

staff_passkey = Table(
    "staff_passkey",
    metadata,
    Column("id", LargeBinary(), primary_key=True),
    Column("client", Text(), nullable=False),
    Column("public_key", LargeBinary(), nullable=False),
    Column("counter", BigInteger(), nullable=False),
    moment("created"),
    moment("used", nullable=True),
)

staff_session = Table(
    "staff_session",
    metadata,
    Column("digest", LargeBinary(), primary_key=True),
    Column("client", Text(), nullable=False),
    moment("seen"),
    moment("until"),
)

app_login = Table(
    "app_login",
    metadata,
    Column("role", Text(), primary_key=True),
    Column("password", Text(), nullable=False),
    moment("created", now=True),
    moment("retired", nullable=True),
)
