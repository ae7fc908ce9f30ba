"""The purposes of use that a recipient can assert: what a release to it has to name to have effect."""

from __future__ import annotations

from app.db import policies as stored_rules
from app.errors import not_found
from app.exchange.release import PendingResult
from app.projections.consent_context import current_of
from app.resources.refs import as_uuid
from app.session import Session


async def purposes_of(session: Session, organization: str) -> PendingResult:
    """Those of the clients of an organization and of its parts, in order. Raises NOT_FOUND."""
    session.require("Organization", "r")
    own_id = as_uuid(organization)
    if own_id is None or await current_of(session, "Organization", own_id) is None:
        raise not_found()
    found = sorted(await stored_rules.asserted_purposes(session.connection, own_id))
    parts = [{"name": "purpose", "valueCode": code} for code in found]
    return PendingResult(document={"resourceType": "Parameters", **({"parameter": parts} if parts else {})})
