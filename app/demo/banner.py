"""What `hallpass serve --demo` says when it is ready: where to look, and a line to try at once."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from app.demo.members import CLINIC, Member
from app.demo.people import Person
from app.office.roles import ROLES
from app.settings import DEFAULT_URL, Settings


def banner(settings: Settings, members: list[Member], people: list[tuple[Person, str]]) -> str:
    """Links to sign in by, addresses, clients with their keys, and a curl line that works as it stands."""
    url = settings.base_url
    clinic = next(m for m in members if m.part == CLINIC)
    clients = "\n".join(f"  {m.name:<20} {m.part.client:<22} {_shown(m.key)}" for m in members)
    office = "\n\n".join(f"  {_who(person)}\n  {link}" for person, link in people)
    address = "" if url == DEFAULT_URL else f" --url {url}"
    token = f"{_program()} token{address} --client {clinic.part.client} --key {_shown(clinic.key)}"
    return f"""
Hallpass serves {url}/fhir with made-up data.

Open the office in a browser. Each link signs in one person, once (`hallpass staff link ADDRESS` prints a new one).
A browser is one person at a time: open a private window for a second one.

{office}

  what it can do       {url}/fhir/metadata
  its routes           {url}/docs

  member               client                 private key
{clients}

The district holds the students; the clinic sees one, under a release that a parent signed. Ask as the clinic:

  curl -s -H "Authorization: Bearer $({token})" \\
    '{url}/fhir/ServiceRequest?_include=ServiceRequest:patient&_pretty=true'

Stop with Ctrl-C.
"""


def _who(person: Person) -> str:
    """Who a link signs in."""
    return f"{person.name}, {ROLES[person.role].title.lower()} at {person.part.name} ({person.address})"


def _program() -> str:
    """This command, as it can be typed here."""
    found = shutil.which("hallpass")
    own = Path(sys.argv[0]).resolve()
    return "hallpass" if found and Path(found).resolve() == own else os.path.relpath(own)


def _shown(path: Path) -> str:
    return os.path.relpath(path)
