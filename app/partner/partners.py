"""The registry of light partners: clients whose only key is a mail address.

Such a client signs no assertion and gets no token: what stands in the place of its keys is no address that keys could
be fetched from. docs/guides/partners.md
"""

from __future__ import annotations

import re
from uuid import UUID, uuid4

from app.auth.clients import Client
from app.caller import Caller
from app.errors import HallpassError, Issue, Kind

MAILTO = "mailto:"
SCOPES = (
    "system/Organization.rs",
    "system/Patient.rs",
    "system/ServiceRequest.rs",
    "system/Task.rus",
)
"""The most that the page does."""
_ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]\\]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}")


def partner(organization: UUID, name: str, address: str, purposes: frozenset[str]) -> Client:
    """A light partner to register. Raises UNPROCESSABLE for what is no mail address."""
    if not _ADDRESS.fullmatch(address):
        raise HallpassError(
            Kind.UNPROCESSABLE, Issue("The address is a mail address such as intake@example.org.", "address")
        )
    return Client(f"partner-{uuid4()}", organization, name, SCOPES, purposes, jwks_uri=f"{MAILTO}{address}")


def address_of(client: Client) -> str | None:
    """The registered address of a light partner; None for any other client, and for one that is disabled."""
    source = client.jwks_uri or ""
    return source.removeprefix(MAILTO) if source.startswith(MAILTO) and client.disabled is None else None


def caller_of(client: Client, token: str) -> Caller:
    """The partner as the access service takes it."""
    return Caller(client.id, client.organization, client.held, client.purposes, token)
