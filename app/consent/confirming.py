"""A person at the custodian confirms a release whose signer's authority, or whose agreement, lapsed and is back. Pure.

https://hl7.org/fhir/R4/consent-definitions.html#Consent.verification — docs/rule.md, 'Who may sign' and 'Agreement'. A
confirmation is a verification with who confirmed it. The server alone writes one, and a release counts from the latest.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from app.consent.codes import CONFIRMED_BY
from app.resources.paths import values

Json = dict[str, Any]


def confirmed_at(consent: Json) -> datetime | None:
    """When a Consent was last confirmed; None: never. A draft may say so without a moment, and is not."""
    found = (_moment(str(v.get("verificationDate"))) for v in _confirmations(consent))
    return max((at for at in found if at is not None), default=None)


def _moment(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else None


def confirmed(consent: Json, by: str, at: datetime) -> Json:
    """A Consent that is confirmed once more; to the microsecond, as what lapsed came back."""
    one = {
        "extension": [{"url": CONFIRMED_BY, "valueString": by}],
        "verified": True,
        "verificationDate": at.astimezone(UTC).isoformat(timespec="microseconds"),
    }
    return {**consent, "verification": [*values(consent, "verification"), one]}


def kept(before: Json, after: Json) -> Json:
    """What is to be stored in the place of a Consent: with each confirmation of it, whether it was sent or not."""
    lost = [v for v in _confirmations(before) if v not in values(after, "verification")]
    return {**after, "verification": [*lost, *values(after, "verification")]} if lost else after


def adds(before: Json, after: Json) -> bool:
    """Whether a Consent has a confirmation that the one before it had not."""
    stood = _confirmations(before)
    return any(v not in stood for v in _confirmations(after))


def _confirmations(consent: Json) -> list[Json]:
    return [v for v in values(consent, "verification") if CONFIRMED_BY in values(v, "extension.url")]
