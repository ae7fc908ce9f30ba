"""The tables of the exchange, as SQLAlchemy Core sees them.

schema/tables makes them, and others that SQL of ours alone reads and writes; a test holds those here equal to it. What
a column means is said there.
"""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    Uuid,
    column,
    table,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TSTZRANGE

SCHEMA = "hallpass"
metadata = MetaData(schema=SCHEMA)


def moment(name: str, *, nullable: bool = False, now: bool = False) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=nullable, server_default=text("now()") if now else None)


def _uuids(name: str, *, nullable: bool = False) -> Column[object]:
    return Column(name, ARRAY(Uuid()), nullable=nullable)


def _texts(name: str, *, nullable: bool = False) -> Column[object]:
    return Column(name, ARRAY(Text()), nullable=nullable)


resource = Table(
    "resource",
    metadata,
    Column("compartment", Uuid(), primary_key=True),
    Column("id", Uuid(), primary_key=True),
    Column("version", Integer(), primary_key=True, autoincrement=False),
    Column("type", Text(collation="C"), nullable=False),
    Column("custodian", Uuid(), nullable=False),
    Column("student", Uuid()),
    Column("directory", Boolean(), nullable=False),
    Column("current", Boolean(), nullable=False),
    Column("deleted", Boolean(), nullable=False),
    moment("updated"),
    Column("method", Text(), nullable=False),
    Column("body", LargeBinary(), nullable=False),
    Column("label_at", Integer(), nullable=False),
    Column("digest", LargeBinary(), nullable=False),
    _texts("profiles"),
    _texts("codes"),
    Column("confidentiality", SmallInteger(), nullable=False),
    _texts("labels"),
    _uuids("parties"),
    _uuids("refs"),
    _uuids("authors"),
    Column("clinical", TSTZRANGE()),
)

access = Table(
    "access",
    metadata,
    Column("compartment", Uuid(), nullable=False),
    Column("id", Uuid(), nullable=False),
    Column("org", Uuid(), nullable=False),
    Column("consent", Uuid()),
    Column("type", Text(collation="C"), nullable=False),
    moment("updated"),
    Column("custodian", Uuid(), nullable=False),
    Column("precomputed", Boolean(), nullable=False),
)

validity = Table(
    "validity",
    metadata,
    Column("org", Uuid(), primary_key=True),
    Column("consent", Uuid(), primary_key=True),
    Column("compartment", Uuid(), nullable=False),
    Column("version", Integer(), nullable=False),
    Column("custodian", Uuid(), nullable=False),
    moment("since"),
    moment("until"),
    moment("majority", nullable=True),
    _texts("purposes", nullable=True),
    moment("root_since"),
    moment("root_until"),
    _texts("types", nullable=True),
    Column("exact", Boolean(), nullable=False, server_default=text("true")),
)
active_release = table(
    "active_release",
    column("org", Uuid()),
    column("consent", Uuid()),
    column("exact", Boolean()),
    schema=SCHEMA,
)
"""The view of the releases that permit the caller something now; `exact`: what the index settles by them is so."""

tree = Table(
    "tree",
    metadata,
    Column("ancestor", Uuid(), primary_key=True),
    Column("id", Uuid(), primary_key=True),
)

custody_count = Table(
    "custody_count",
    metadata,
    Column("custodian", Uuid(), nullable=False),
    Column("type", Text(collation="C"), nullable=False),
    Column("records", BigInteger(), nullable=False),
)

index_backlog = Table(
    "index_backlog",
    metadata,
    Column("compartment", Uuid(), primary_key=True),
    Column("custodian", Uuid(), primary_key=True),
    Column("since", DateTime(timezone=True), nullable=False, server_default=text("clock_timestamp()")),
)

organization = Table(
    "organization",
    metadata,
    Column("id", Uuid(), primary_key=True),
    _uuids("ancestors"),
    Column("zone", Text(), nullable=False),
    Column("honor", Boolean(), nullable=False),
    Column("state", Text()),
    Column("classes", ARRAY(Uuid()), nullable=False, server_default=text("'{}'::uuid[]")),
)

verified_identifier = Table(
    "verified_identifier",
    metadata,
    Column("system", Text(collation="C"), primary_key=True),
    Column("value", Text(collation="C"), primary_key=True),
    Column("organization", Uuid(), nullable=False),
)

student = Table(
    "student",
    metadata,
    Column("compartment", Uuid(), primary_key=True),
    Column("custodian", Uuid(), nullable=False),
    Column("born_from", Date(), nullable=False),
    Column("born_to", Date(), nullable=False),
    moment("emancipated", nullable=True),
    moment("enrolled", nullable=True),
)

authority = Table(
    "authority",
    metadata,
    Column("compartment", Uuid(), primary_key=True),
    Column("id", Uuid(), primary_key=True),
    Column("custodian", Uuid(), nullable=False),
    moment("opens"),
    moment("closes"),
    Column("adult", Boolean(), nullable=False, server_default=text("false")),
)

agreement = Table(
    "agreement",
    metadata,
    Column("id", Uuid(), primary_key=True),
    Column("custodian", Uuid(), nullable=False),
    Column("discloser", Uuid(), primary_key=True),
    Column("recipient", Uuid(), primary_key=True),
    Column("opens", DateTime(timezone=True), primary_key=True),
    moment("closes"),
)

release = Table(
    "release",
    metadata,
    Column("compartment", Uuid(), primary_key=True),
    Column("consent", Uuid(), primary_key=True),
    Column("version", Integer(), nullable=False),
    Column("custodian", Uuid(), nullable=False),
    moment("signed"),
    Column("signer", Uuid()),
    Column("age", Integer(), nullable=False),
    Column("part2", Boolean(), nullable=False),
    moment("opens"),
    moment("closes"),
    _uuids("recipients"),
    Column("born_from", Date()),
    Column("born_to", Date()),
    moment("authority_opens", nullable=True),
    moment("authority_closes", nullable=True),
    Column("cosigned", Boolean(), nullable=False, server_default=text("false")),
    Column("education", Boolean(), nullable=False, server_default=text("false")),
    Column("redisclosable", Boolean(), nullable=False, server_default=text("false")),
    Column("by_class", Boolean(), nullable=False, server_default=text("false")),
    moment("confirmed", nullable=True),
)

receipt = Table(
    "receipt",
    metadata,
    Column("compartment", Uuid(), primary_key=True),
    Column("consent", Uuid(), primary_key=True),
    Column("recipient", Uuid(), primary_key=True),
    Column("custodian", Uuid(), nullable=False),
)

provision = Table(
    "provision",
    metadata,
    Column("compartment", Uuid(), primary_key=True),
    Column("consent", Uuid(), primary_key=True),
    Column("node", Integer(), primary_key=True, autoincrement=False),
    Column("parent", Integer(), nullable=False),
    Column("permit", Boolean(), nullable=False),
    moment("opens"),
    moment("closes"),
    _uuids("recipients", nullable=True),
    _texts("purposes", nullable=True),
    _texts("classes", nullable=True),
    _texts("codes", nullable=True),
    Column("confidentiality", SmallInteger()),
    _texts("labels", nullable=True),
    _uuids("instances", nullable=True),
    _uuids("related", nullable=True),
    _uuids("dependents", nullable=True),
    _uuids("authored", nullable=True),
    Column("about", TSTZRANGE()),
)

emergency = Table(
    "emergency",
    metadata,
    Column("compartment", Uuid(), primary_key=True),
    Column("id", Uuid(), primary_key=True),
    Column("organization", Uuid(), nullable=False),
    Column("client", Text(), nullable=False),
    Column("reason", Text(), nullable=False),
    moment("opens"),
    moment("closes"),
    Column("custodian", Uuid()),
)

glass_review = Table(
    "glass_review",
    metadata,
    Column("compartment", Uuid(), primary_key=True),
    Column("emergency", Uuid(), primary_key=True),
    Column("custodian", Uuid(), primary_key=True),
    Column("client", Text(), nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("note", Text(), nullable=False),
)

outside_disclosure = Table(
    "outside_disclosure",
    metadata,
    Column("compartment", Uuid(), primary_key=True),
    Column("id", Uuid(), primary_key=True),
    Column("at", DateTime(timezone=True), primary_key=True),
    Column("entered", DateTime(timezone=True), nullable=False),
    Column("custodian", Uuid(), nullable=False),
    Column("client", Text(), nullable=False),
    Column("recipient", Uuid()),
    Column("consent", Uuid()),
    Column("body", JSONB(), nullable=False),
)

disclosure = Table(
    "disclosure",
    metadata,
    Column("compartment", Uuid(), primary_key=True),
    Column("at", DateTime(timezone=True), primary_key=True),
    Column("request", Uuid(), primary_key=True),
    Column("id", Uuid(), primary_key=True),
    Column("version", Integer(), primary_key=True, autoincrement=False),
    Column("type", Text(), nullable=False),
    Column("interaction", Text(), nullable=False),
    Column("student", Uuid()),
    Column("custodian", Uuid(), nullable=False),
    Column("recipient", Uuid(), nullable=False),
    Column("client", Text(), nullable=False),
    Column("agent", JSONB()),
    _texts("purposes"),
    Column("basis", Text(), nullable=False),
    Column("consent", Uuid()),
    Column("consent_version", Integer()),
    Column("reason", Text()),
    Column("chain", SmallInteger(), nullable=False),
    Column("batch", BigInteger(), nullable=False),
    _texts("parameters", nullable=True),
    Column("students", Integer()),
)

batch_row = Table(
    "batch",
    metadata,
    Column("chain", SmallInteger(), primary_key=True, autoincrement=False),
    Column("n", BigInteger(), primary_key=True, autoincrement=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("entries", Integer(), nullable=False),
    Column("link", LargeBinary(), nullable=False),
)

chain_end = Table(
    "chain_end",
    metadata,
    Column("chain", SmallInteger(), primary_key=True, autoincrement=False),
    Column("n", BigInteger(), nullable=False),
    Column("link", LargeBinary(), nullable=False),
)

ledger_drop = Table(
    "ledger_drop",
    metadata,
    Column("at", DateTime(timezone=True), nullable=False, server_default=text("clock_timestamp()")),
    Column("partition", Text(), primary_key=True),
    moment("since"),
    moment("until"),
    Column("entries", BigInteger(), nullable=False),
    Column("students", BigInteger(), nullable=False),
)

event = Table(
    "event",
    metadata,
    Column("organization", Uuid(), primary_key=True),
    Column("minute", DateTime(timezone=True), primary_key=True),
    Column("kind", Text(), primary_key=True),
    Column("client", Text(), primary_key=True),
    Column("outcome", Text(), primary_key=True),
    Column("detail", Text(), primary_key=True),
    Column("id", Uuid(), nullable=False, server_default=text("gen_random_uuid()")),
    moment("first"),
    moment("last"),
    Column("times", BigInteger(), nullable=False),
)

client = Table(
    "client",
    metadata,
    Column("id", Text(), primary_key=True),
    Column("organization", Uuid(), nullable=False),
    Column("name", Text(), nullable=False),
    _texts("scopes"),
    _texts("purposes"),
    Column("jwks", JSONB()),
    Column("jwks_uri", Text()),
    Column("emergency", Boolean(), nullable=False, server_default=text("false")),
    moment("created", now=True),
    moment("disabled", nullable=True),
)

client_usage = Table(
    "client_usage",
    metadata,
    Column("client", Text(), primary_key=True),
    Column("hour", DateTime(timezone=True), primary_key=True),
    Column("bytes", BigInteger(), nullable=False),
)
