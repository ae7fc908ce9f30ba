"""What a party writes into a Task about records under 42 CFR Part 2 is coded: text could say anything of the patient.

docs/rule.md, 'Tasks'. A party's word is its own disclosure to the custodian.
"""

from __future__ import annotations

from typing import Any

from app.consent.codes import ACT_CODE, PART2
from app.errors import HallpassError, Issue, Kind
from app.exchange.validated import same
from app.projections.consent_context import content_of
from app.resources import ResourceType
from app.resources.paths import values
from app.resources.refs import local_targets
from app.session import Session

_TEXT = frozenset({"text", "div", "valueString", "valueMarkdown", "valueAnnotation", "valueAttachment"})
_NOTES = frozenset({"note"})


async def require_coded(
    session: Session, declared: ResourceType, stored: dict[str, Any], content: dict[str, Any]
) -> None:
    """Raise UNPROCESSABLE where a party writes text into a Task that is, or whose referral is, under Part 2."""
    changed = [name for name in declared.party_writes if not same(stored.get(name), content.get(name))]
    told = [name for name in changed if name in content and (name in _NOTES or _has_text(content[name]))]
    if told and await _under_part2(session, stored):
        text = "The referral is under 42 CFR Part 2: write coded states and reasons, and no text."
        raise HallpassError(
            Kind.UNPROCESSABLE, *(Issue(text, f"{declared.name}.{name}", "business-rule") for name in told)
        )


async def _under_part2(session: Session, task: dict[str, Any]) -> bool:
    if _labeled(task):
        return True
    referrals = {target for kind, target in local_targets(task) if kind == "ServiceRequest"}
    found = [await content_of(session, "ServiceRequest", referral) for referral in sorted(referrals)]
    return any(_labeled(referral) for referral in found if referral)


def _labeled(resource: dict[str, Any]) -> bool:
    labels = values(resource, "meta.security")
    return any(x.get("system") == ACT_CODE and x.get("code") == PART2 for x in labels)


def _has_text(node: Any) -> bool:
    if isinstance(node, dict):
        return bool(node.keys() & _TEXT) or any(_has_text(value) for value in node.values())
    return isinstance(node, list) and any(_has_text(value) for value in node)
