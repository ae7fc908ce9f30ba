"""The people of the demonstration: somebody of the staff in each role, with a link that signs them in once."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from app.console import as_owner
from app.demo.members import CLINIC, DISTRICT, Member, Part
from app.office import staff
from app.settings import Settings


@dataclass(frozen=True, slots=True)
class Person:
    """Who works where, as what."""

    part: Part
    name: str
    address: str
    role: str


PEOPLE = (
    Person(DISTRICT, "Ada Moreno", "privacy@grandbend.example", "privacy-officer"),
    Person(DISTRICT, "Sam Ortiz", "counselor@grandbend.example", "counselor"),
    Person(DISTRICT, "Noor Haddad", "office@grandbend.example", "front-office"),
    Person(DISTRICT, "Kim Sato", "operator@grandbend.example", "operator"),
    Person(CLINIC, "Inge Vogel", "intake@bayside.example", "partner-intake"),
)


def links(members: list[Member]) -> list[tuple[Person, str]]:
    """A new one-time link for each; who is not there yet is added."""
    organizations = {m.part: m.organization for m in members}

    async def work(connection: AsyncConnection, settings: Settings) -> list[tuple[Person, str]]:
        found = []
        for person in PEOPLE:
            organization = organizations[person.part]
            there = {s.address: s for s in await staff.everyone(connection, organization) if not s.disabled}
            someone = there.get(person.address) or await staff.add(
                connection, organization, person.name, person.address, person.role
            )
            found.append((person, await staff.link(connection, someone.client, settings.base_url)))
        return found

    return as_owner(work)
