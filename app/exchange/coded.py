"""What a party writes into a Task about records under 42 CFR Part 2 is coded: text could say anything of the patient.

docs/rule.md, 'Tasks'. A party's word is its own disclosure to the custodian.
"""

from __future__ import annotations

from typing import Any

from app.consent.attributes import labels_of
from app.consent.codes import PART2
from app.errors import HallpassError, Issue, Kind
from app.exchange.third_party_writes import judging
from app.exchange.validated import same
from app.fhir.json import parse
from app.projections.consent_context import current_of
from app.referral.codes import BUSINESS_STATUSES, STATUS_REASONS
from app.resources import TYPES, ResourceType
from app.resources.refs import local_targets
from app.session import Session

_CODED = frozenset(
    {
        *("coding", "system", "version", "code", "userSelected", "reference", "type", "start", "end", "value"),
        *("valueBoolean", "valueCode", "valueCodeableConcept", "valueCoding", "valueQuantity", "valueReference"),
        *("valueDate", "valueDateTime", "valueInstant", "valueTime", "valuePeriod"),
        *("valueDecimal", "valueInteger", "valuePositiveInt", "valueUnsignedInt"),
    }
)
"""The elements that say no more than a code, a number, a time or what is referred to. Any other may hold a text."""
_WORDS = frozenset({"display", "text"})
_KNOWN_WORDS = frozenset({*STATUS_REASONS.values(), *BUSINESS_STATUSES.values()})
"""What the exchange's own codes mean, word by word."""


async def require_coded(
    session: Session, declared: ResourceType, stored: dict[str, Any], content: dict[str, Any]
) -> None:
    """Raise UNPROCESSABLE where a party writes text into a Task that is, or whose referral is, under Part 2."""
    changed = [name for name in declared.party_writes if not same(stored.get(name), content.get(name))]
    told = [name for name in changed if name in content and not _is_coded(content[name])]
    if not told:
        return
    if _under_part2(declared, stored):
        raise _refused(declared, told)
    for referral in sorted({target for kind, target in local_targets(stored) if kind == "ServiceRequest"}):
        row = await current_of(session, "ServiceRequest", referral)
        if row is not None and _under_part2(TYPES[row.type], parse(row.body)):
            with judging(session, row):
                raise _refused(declared, told)


def _refused(declared: ResourceType, told: list[str]) -> HallpassError:
    text = (
        "The referral is under 42 CFR Part 2: write coded states and reasons, and no text. A code of the exchange may "
        "have its own display."
    )
    return HallpassError(
        Kind.UNPROCESSABLE, *(Issue(text, f"{declared.name}.{name}", "business-rule") for name in told)
    )


def _under_part2(declared: ResourceType, resource: dict[str, Any]) -> bool:
    return PART2 in labels_of(declared, resource)


def _is_coded(node: Any) -> bool:
    """Whether what was written holds nothing that could be a text."""
    if isinstance(node, list):
        return all(_is_coded(value) for value in node)
    if not isinstance(node, dict):
        return True
    return all(
        value in _KNOWN_WORDS if name in _WORDS else name in _CODED and _is_coded(value) for name, value in node.items()
    )
