"""Who is behind a client: the business-to-business extension of its assertion, as the ledger keeps it.
https://hl7.org/fhir/us/udap-security/STU1/b2b.html#b2b-authorization-extension-object

What it says is the client's word. No right rests on it.
"""

from __future__ import annotations

from typing import Any

EXTENSION = "hl7-b2b"
NAMES = ("organization_id", "organization_name", "subject_id", "subject_name", "subject_role")
LONGEST = 200


def agent(claims: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """The names and values that an assertion gives; none where it has no such extension."""
    extensions = claims.get("extensions")
    said = extensions.get(EXTENSION) if isinstance(extensions, dict) else None
    if not isinstance(said, dict):
        return ()
    found = ((name, said.get(name)) for name in NAMES)
    return tuple((name, value[:LONGEST]) for name, value in found if isinstance(value, str) and value.isprintable())
