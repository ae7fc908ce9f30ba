"""What a family said about being contacted stands through what is written afterwards, and through what builds on it."""

from __future__ import annotations

from typing import Any

from app.consent.contact import PERSONS, PROHIBITED, is_marked, kept, prohibits
from app.db.rows import Stored
from app.errors import HallpassError, Issue, Kind
from app.exchange.third_party_writes import judging
from app.fhir.json import parse
from app.projections.consent_context import current_of
from app.resources.paths import values
from app.resources.refs import local_id
from app.session import Session

REFERRAL = "ServiceRequest"
Json = dict[str, Any]


def contacts_kept(old: Stored, content: Json) -> Json:
    """What a push stores in the place of a version, with what a person said about contacts there."""
    if (old.type in PERSONS and is_marked(old.body)) or (old.type == REFERRAL and PROHIBITED.encode() in old.body):
        return kept(content, parse(old.body))
    return content


async def require_carried(session: Session, content: Json) -> None:
    """Raise UNPROCESSABLE where a referral builds on one whose subject must not be contacted, and does not say so."""
    if prohibits(content):
        return
    for reference in [*values(content, "basedOn"), *values(content, "replaces")]:
        own = local_id(reference, REFERRAL)
        row = await current_of(session, REFERRAL, own) if own else None
        if row is not None and PROHIBITED.encode() in row.body and prohibits(parse(row.body)):
            with judging(session, row):
                text = (
                    f"The referral that it builds on says {PROHIBITED}: the family must not be contacted. "
                    "Say so in orderDetail as well."
                )
                raise HallpassError(Kind.UNPROCESSABLE, Issue(text, "ServiceRequest.orderDetail", "business-rule"))
