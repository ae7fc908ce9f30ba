"""The members of the demonstration: organizations, each with a client whose private key lies in a file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from sqlalchemy import URL, text

from app.auth import clients, jose
from app.auth.keyfile import write_key
from app.db.address import open_engine
from app.db.engine import Database
from app.exchange.operator import Operator
from app.intake.token import private_key
from app.settings import Settings

EVERYTHING = "system/*.cruds"
_AGREED = text("SELECT EXISTS (SELECT 1 FROM hallpass.agreement WHERE discloser = :one AND recipient = :other)")


@dataclass(frozen=True, slots=True)
class Part:
    """Who plays: a name, a client id, and why its client may ask."""

    name: str
    client: str
    purpose: str


DISTRICT = Part("Grand Bend ISD", "demo-district", "CAREMGT")
CLINIC = Part("Bayside Counseling", "demo-clinic", "TREAT")
OTHER_DISTRICT = Part("Lakeview ISD", "demo-other-district", "CAREMGT")
OTHER_CLINIC = Part("Harbor Health", "demo-other-clinic", "TREAT")
PARTS = (DISTRICT, CLINIC, OTHER_DISTRICT, OTHER_CLINIC)
AGREEMENTS = ((DISTRICT, CLINIC), (DISTRICT, OTHER_CLINIC), (OTHER_DISTRICT, OTHER_CLINIC))
"""Who has a memorandum of understanding with whom, both ways: no stranger is kept out for want of one."""


@dataclass(frozen=True, slots=True)
class Member:
    """A part with its organization's id and the file of its private key."""

    part: Part
    organization: UUID
    key: Path

    @property
    def name(self) -> str:
        """The organization's name."""
        return self.part.name

    @property
    def reference(self) -> dict[str, str]:
        """A Reference to the organization."""
        return {"reference": f"Organization/{self.organization}"}


async def enroll(owner: URL, settings: Settings, keys: Path, part: Part) -> Member:
    """The member that plays a part: as it is, or made. A client whose key was lost gets a new one."""
    file = keys / f"{part.client}.jwk"
    engine = open_engine(owner)
    try:
        async with engine.begin() as connection:
            found = await clients.get(connection, part.client)
            if found is not None:
                if not _holds(file, found):
                    await clients.rotate_key(connection, part.client, jwks=_new_key(file))
                return Member(part, found.organization, file)
        organization = await Operator(Database(owner), settings).add_organization(
            part.name, state="TX", zone="America/Chicago"
        )
        async with engine.begin() as connection:
            await clients.add(
                connection,
                clients.registration(
                    id=part.client,
                    organization=organization,
                    name=f"{part.name}'s program",
                    scopes=[EVERYTHING],
                    purposes=[part.purpose],
                    jwks=_new_key(file),
                ),
            )
    finally:
        await engine.dispose()
    return Member(part, organization, file)


async def agree(
    owner: URL, settings: Settings, members: dict[Part, Member], pairs: Iterable[tuple[Part, Part]] = AGREEMENTS
) -> None:
    """Record an agreement for each pair that has none, both ways."""
    operator = Operator(Database(owner), settings)
    engine = open_engine(owner)
    try:
        for one, other in pairs:
            sides = members[one].organization, members[other].organization
            async with engine.connect() as connection:
                found = await connection.scalar(_AGREED, {"one": sides[0], "other": sides[1]})
            if not found:
                await operator.add_agreement(*sides, both_ways=True)
    finally:
        await engine.dispose()


def _new_key(file: Path) -> dict[str, object]:
    """A key set of one new key, whose private part takes the file's place."""
    key = jose.generate()
    file.unlink(missing_ok=True)
    write_key(file, key)
    return {"keys": [jose.public(key)]}


def _holds(file: Path, client: clients.Client) -> bool:
    """Whether the file has the private key of the client's one public key."""
    return file.exists() and client.jwks == {"keys": [jose.public(private_key(file))]}
