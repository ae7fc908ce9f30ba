"""Patch: what is stored, changed, and judged as an update with the result would be.

https://hl7.org/fhir/R4/http.html#patch — read and written under one lock, so that no change in between is lost.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from app.errors import HallpassError, Kind, not_found
from app.exchange import writes
from app.exchange.release import PendingResult
from app.exchange.third_party_writes import judging, require_party
from app.exchange.validated import validate_body
from app.fhir.json import dump, parse
from app.limits.long_work import LARGE_BYTES, off_loop
from app.resources import ResourceType
from app.session import Session

Change = Callable[[dict[str, Any]], dict[str, Any]]
"""Makes the next content of a resource from a copy of the last. Raises UNPROCESSABLE where it cannot."""


async def patch(
    session: Session,
    declared: ResourceType,
    resource_id: str,
    change: Change,
    if_match: str | None,
    *,
    statements: bool = False,
    confirms: bool = False,
) -> PendingResult:
    """Store what `change` makes of the current version. Raises as an update, and GONE for what was deleted.

    `statements`: the change is to the statements about a contested record, which are its custodian's to change.
    `confirms`: it confirms a release.
    """
    session.require(declared.name, "u")
    old, _ = await writes.locked(session, declared, resource_id, if_match)
    if old.deleted:
        raise HallpassError(Kind.GONE, "The resource was deleted.")
    client, large = session.caller.client, len(old.body) > LARGE_BYTES
    content = await off_loop(client, partial(parse, old.body), large=large)
    if not await session.holds(old.custodian):
        if statements:
            raise not_found()
        require_party(declared, content, session.ancestors)
    with judging(session, old):  # whether a patch fits tells what is stored
        changed = await off_loop(client, lambda: _sound(change(content)), large=True)  # a short patch may be long work
        validated = await validate_body(client, declared, changed, session.settings)
    own = {"statements": statements, "confirms": confirms}
    return await writes.update(session, declared, validated, resource_id, None, method="PATCH", seen=old, **own)


def _sound(content: dict[str, Any]) -> dict[str, Any]:
    """The content, if it could have been sent as a body. Raises UNPROCESSABLE: a patch can nest without end."""
    try:
        return parse(dump(content))
    except (TypeError, HallpassError):
        raise HallpassError(Kind.UNPROCESSABLE, "The patched resource would not be valid FHIR JSON.") from None
