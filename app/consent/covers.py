"""Whether a provision's elements cover a resource: labels, the time that it is about, and what is named by reference.

docs/rule.md says it in words; `hallpass.conditions_match` says it to PostgreSQL.
"""

from __future__ import annotations

from app.consent.codes import HANGS_ON_SIGNERS, NORMAL, PART2, PSYCHOTHERAPY_NOTE
from app.consent.model import PolicySet, Provision, Release, ResourceAttributes


def labels_cover(p: Provision, part2: bool, attributes: ResourceAttributes) -> bool:
    """A permit reaches only what it names; a deny reaches whatever carries what it names."""
    named = p.labels if p.labels is not None else frozenset()
    if not p.permit:
        level = p.confidentiality
        return (
            p.labels is None
            or (level is not None and attributes.confidentiality >= level)
            or bool(attributes.labels & named)
        )
    return (
        attributes.confidentiality <= (p.confidentiality if p.confidentiality is not None else NORMAL)
        and attributes.labels - HANGS_ON_SIGNERS <= named
        and (p.labels is None or p.confidentiality is not None or bool(attributes.labels & named))
        and (PART2 not in attributes.labels or part2)
        and (PSYCHOTHERAPY_NOTE not in attributes.labels or named == {PSYCHOTHERAPY_NOTE})
    )


def about_covers(p: Provision, attributes: ResourceAttributes) -> bool:
    """A permit needs data wholly inside its dataPeriod; a deny reaches data that touches it, or has no date.

    Demographics are about no time: a dataPeriod reaches them only where the provision names their class.
    """
    if p.about is None:
        return True
    if attributes.timeless:
        return p.classes is not None
    if attributes.clinical is None:
        return not p.permit
    (lower, upper), (start, end) = attributes.clinical, p.about
    return (start <= lower and upper <= end) if p.permit else (lower < end and start < upper)


def data_covers(p: Provision, release: Release, policies: PolicySet, attributes: ResourceAttributes) -> bool:
    """https://hl7.org/fhir/R4/valueset-consent-data-meaning.html — one step of reference, never more."""
    if p.instances is None and p.related is None and p.dependents is None and p.authored is None:
        return True
    named = (p.instances or frozenset()) | (p.related or frozenset()) | (p.dependents or frozenset())
    return bool(
        attributes.id in named
        or attributes.refs & (p.dependents or frozenset())
        or attributes.authors & (p.authored or frozenset())
        or any(
            focal in policies.focal
            and policies.focal[focal][0] == release.custodian
            and attributes.id in policies.focal[focal][1]
            for focal in p.related or ()
        )
    )
