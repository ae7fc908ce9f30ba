"""From a Consent to the release it is, or to every gap that keeps it from being one.

https://hl7.org/fhir/R4/consent.html — what each law asks for is declared in app/consent/regimes. Pure: all that is
beside the Consent comes in a `Situation`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from app.consent import codes as c
from app.consent.confirming import confirmed_at
from app.consent.evaluate import MAJORITY
from app.consent.model import Provision, Release
from app.consent.provisions import Tree, read_tree
from app.consent.recipients import not_treating
from app.consent.regimes import BY_CODING, BY_URI, REGIMES, Element, Regime, closed_labels
from app.consent.signing import ConsentContext, Signature, guardian_signs, student_signs
from app.errors import Issue
from app.fhir.dates import BEGINNING, Interval, interval
from app.resources.paths import first, values
from app.resources.refs import local_id

CLOCK_TOLERANCE = timedelta(seconds=10)
"""How far the clock of who signs may be ahead of the exchange's."""


@dataclass(frozen=True, slots=True)
class ParsedConsent:
    """What a Consent comes to: a release, or none with the gaps that a privacy officer can mend.

    A release may be absent without a gap: a complete Consent whose actions are none that the exchange performs.
    `draft` is what it would be if its gaps were mended; None where its provisions cannot be understood.
    """

    release: Release | None
    missing: tuple[Issue, ...]
    draft: Release | None = None


def read(consent: dict[str, Any], consent_id: UUID, version: int, s: ConsentContext) -> ParsedConsent:
    """Read a Consent as if it were active."""
    missing: list[Issue] = []
    regimes = _regimes(consent, missing)
    _modifiers(consent, missing)
    _scope(consent, missing)
    signed = _signed_on(consent, s, regimes, missing)
    _evidence(consent, regimes, missing)
    _discloser(consent, s, regimes, missing)
    tree = read_tree(consent.get("provision"), s.zone, s.custodian, s.organizations)
    missing.extend(tree.missing)
    _permits_say_enough(tree, regimes, missing)
    _expiry(consent, tree, regimes, missing)
    _classes(tree, regimes, missing)
    _intermediary(consent, tree, s, regimes, missing)
    _other_elements(consent, regimes, missing)
    _asked(consent, missing)
    signature = _signature(consent, s, signed, tree, regimes, missing)
    if tree.missing or not tree.nodes:
        return ParsedConsent(None, tuple(missing))
    root = tree.nodes[0]
    confirmed = confirmed_at(consent)
    on = signed.lower if signed else s.now
    named = frozenset(r.code for r in regimes)
    by = signature or Signature(None, 0)
    draft = Release(
        consent=consent_id,
        version=version,
        student=s.student,
        custodian=s.custodian,
        signed=on,
        signer=by.signer,
        age=by.age,
        part2=c.PART2 in named,
        opens=max(root.period[0], min(on, s.now), confirmed or BEGINNING),
        closes=root.period[1],
        provisions=_gated(tree.nodes, named),
        cosigned=by.cosigned,
        education=_education(regimes),
        redisclosable=bool(regimes) and all(r.redisclosable for r in regimes),
        born=s.born if s.student in s.elsewhere else None,
        authority=s.authorities.get(by.signer) if by.signer in s.elsewhere else None,
        confirmed=confirmed,
    )
    return ParsedConsent(None if missing else draft, tuple(missing), draft)


def _education(regimes: frozenset[Regime]) -> bool:
    """Whether a Consent is under the law of education records alone."""
    return bool(regimes) and all(r.education_records for r in regimes)


def _cite(regimes: frozenset[Regime], element: Element) -> str:
    """The paragraphs that ask for an element; without a known regime, every regime does."""
    cited = [r.requires[element] for r in REGIMES if r in regimes and element in r.requires]
    return ", ".join(cited) or ("the exchange" if regimes else "every regime")


def _missing_requirement(text: str, expression: str, regimes: frozenset[Regime], element: Element) -> Issue:
    return Issue(f"{text} ({_cite(regimes, element)})", expression, "required")


def _required(element: Element, regimes: frozenset[Regime]) -> bool:
    return any(element in r.requires for r in regimes)


def _gated(nodes: tuple[Provision, ...], named: frozenset[str]) -> tuple[Provision, ...]:
    """The provisions, without the labels in a permit that a release under these regimes cannot open."""
    closed = closed_labels(named)
    return tuple(replace(p, labels=p.labels - closed) if p.permit and p.labels else p for p in nodes)


def _regimes(consent: dict[str, Any], missing: list[Issue]) -> frozenset[Regime]:
    """The laws that the Consent names; one that is unknown is a gap."""
    found: set[Regime] = set()
    for i, policy in enumerate(values(consent, "policy")):
        regime = BY_URI.get(policy.get("uri", ""))
        if regime is None:
            text = f"Unknown policy URI. Use one of: {', '.join(BY_URI)}."
            missing.append(Issue(text, f"Consent.policy[{i}].uri", "value"))
        else:
            found.add(regime)
    rule = consent.get("policyRule")
    if rule is not None:
        codings = [(x.get("system"), x.get("code")) for x in values(rule, "coding")]
        known = {BY_CODING[key] for key in codings if key in BY_CODING}
        if not known:
            text = f"Unknown policy rule. Use one of: {', '.join('|'.join(coding) for coding in BY_CODING)}."
            missing.append(Issue(text, "Consent.policyRule", "value"))
        found |= known
    if not found and not missing:
        text = f"The law that the release is signed under is missing. Use one of: {', '.join(BY_URI)}."
        missing.append(Issue(text, "Consent.policy", "required"))
    return frozenset(found)


def _modifiers(node: Any, missing: list[Issue], path: str = "Consent") -> None:
    """A modifier that is not understood could turn the whole round: no such Consent is a release."""
    if isinstance(node, dict):
        if node.get("modifierExtension") or (path == "Consent" and node.get("implicitRules")):
            missing.append(Issue("This modifier extension is not supported. Remove it.", path, "not-supported"))
        for key, value in node.items():
            if key not in ("modifierExtension", "contained", "text"):
                _modifiers(value, missing, f"{path}.{key}")
    elif isinstance(node, list):
        for i, value in enumerate(node):
            _modifiers(value, missing, f"{path}[{i}]")


def _scope(consent: dict[str, Any], missing: list[Issue]) -> None:
    codings = values(consent, "scope.coding")
    if not any(x.get("system") == c.CONSENT_SCOPE and x.get("code") == "patient-privacy" for x in codings):
        missing.append(Issue("The scope must be patient-privacy.", "Consent.scope", "value"))


def _signed_on(
    consent: dict[str, Any], s: ConsentContext, regimes: frozenset[Regime], missing: list[Issue]
) -> Interval | None:
    text = consent.get("dateTime")
    if not text:
        missing.append(
            _missing_requirement("The day it was signed is missing", "Consent.dateTime", regimes, Element.SIGNED_ON)
        )
        return None
    signed = interval(text, s.zone)
    if signed.lower > s.now + CLOCK_TOLERANCE:
        missing.append(Issue("The date of the signature is in the future.", "Consent.dateTime", "business-rule"))
    return signed


def _evidence(consent: dict[str, Any], regimes: frozenset[Regime], missing: list[Issue]) -> None:
    if not consent.get("sourceAttachment") and not consent.get("sourceReference"):
        missing.append(
            _missing_requirement(
                "The evidence of the signature is missing", "Consent.source", regimes, Element.EVIDENCE
            )
        )


def _asked(consent: dict[str, Any], missing: list[Issue]) -> None:
    """Each signature that is asked for, and that nobody gave."""
    for i, extension in enumerate(values(consent, "extension")):
        if extension.get("url") == c.SIGNATURE_ASKED:
            text = "This signature is asked for and is missing. Take the extension away once it is signed."
            missing.append(Issue(text, f"Consent.extension[{i}]", "required"))


def _discloser(consent: dict[str, Any], s: ConsentContext, regimes: frozenset[Regime], missing: list[Issue]) -> None:
    named = values(consent, "organization")
    if not named:
        missing.append(
            _missing_requirement("The discloser is missing", "Consent.organization", regimes, Element.DISCLOSER)
        )
    for i, reference in enumerate(named):
        if local_id(reference, "Organization") != s.custodian:
            text = "The discloser must be the organization that files the release: it can open only its own records."
            missing.append(Issue(text, f"Consent.organization[{i}]", "business-rule"))


def _permits_say_enough(tree: Tree, regimes: frozenset[Regime], missing: list[Issue]) -> None:
    """Each way to a permit names a recipient, something and a purpose: nothing is opened by silence."""
    for node in tree.nodes:
        if not node.permit or node.node in tree.contradicted:
            continue
        path = tree.line(node)
        where = tree.expression[node.node]
        if not any(p.recipients for p in path):
            missing.append(
                _missing_requirement(
                    "The recipient is missing: an actor with role IRCP", f"{where}.actor", regimes, Element.RECIPIENT
                )
            )
        if not any(_says_what(p) for p in path):
            text = "What is released is missing: class, code, securityLabel, data or dataPeriod"
            missing.append(_missing_requirement(text, where, regimes, Element.CONTENT))
        if not any(p.purposes for p in path):
            missing.append(_missing_requirement("The purpose is missing", f"{where}.purpose", regimes, Element.PURPOSE))


def _says_what(p: Provision) -> bool:
    elements = (p.classes, p.codes, p.labels, p.instances, p.related, p.dependents, p.authored, p.about)
    return any(e is not None for e in elements)


def _expiry(consent: dict[str, Any], tree: Tree, regimes: frozenset[Regime], missing: list[Issue]) -> None:
    """An end, a coded event at which the custodian ends the release, or 'none' where that is enough."""
    if not _required(Element.EXPIRY, regimes) or not any(p.permit for p in tree.nodes):
        return
    events = {
        x.get("code")
        for e in values(consent, "extension")
        if e.get("url") == c.EXPIRY_EVENT_EXTENSION
        for x in values(e, "valueCodeableConcept.coding")
        if x.get("system") == c.EXPIRY_EVENT
    }
    if first(consent, "provision.period.end") or events & c.EVENTS:
        return
    if c.NO_EVENT in events and _may_be_endless(tree, regimes):
        return
    text = "The expiry is missing: an end date, or a coded event"
    if c.NO_EVENT in events:
        text = "The expiry is missing: 'none' is one for treatment, payment and operations under 42 CFR Part 2 alone"
    missing.append(_missing_requirement(text, "Consent.provision.period.end", regimes, Element.EXPIRY))


def _may_be_endless(tree: Tree, regimes: frozenset[Regime]) -> bool:
    """Whether each law that asks for an expiry takes 'none' as one, for all that each permit is for."""
    return all(
        any(p.purposes is not None and p.purposes <= regime.endless for p in tree.line(node))
        for regime in regimes
        if Element.EXPIRY in regime.requires
        for node in tree.nodes
        if node.permit
    )


def _classes(tree: Tree, regimes: frozenset[Regime], missing: list[Issue]) -> None:
    """Some laws let a release name a class only of those who treat the patient."""
    for regime in (r for r in REGIMES if r in regimes and r.classes_treat):
        for node in tree.nodes:
            for kind in not_treating(node.recipients or ()) if node.permit else ():
                text = f"A class of recipients must be one of treating providers, and {kind.code} is not"
                at = f"{tree.expression[node.node]}.actor"
                missing.append(Issue(f"{text} ({regime.classes_treat})", at, "business-rule"))


def _intermediary(
    consent: dict[str, Any], tree: Tree, s: ConsentContext, regimes: frozenset[Regime], missing: list[Issue]
) -> None:
    """The exchange is named besides the members, where its operator is an intermediary."""
    required = s.intermediary and _required(Element.INTERMEDIARY, regimes)
    if not required or not any(p.permit for p in tree.nodes):
        return
    roles = [(x.get("system"), x.get("code")) for x in values(consent, "provision.actor.role.coding")]
    if (c.ACTOR_ROLE, "intermediary") not in roles:
        text = "The intermediary is missing: an actor that names this exchange"
        missing.append(_missing_requirement(text, "Consent.provision.actor", regimes, Element.INTERMEDIARY))


def _other_elements(consent: dict[str, Any], regimes: frozenset[Regime], missing: list[Issue]) -> None:
    """What a law requires of the Consent beyond the elements that laws have in common."""
    for regime in REGIMES:
        for path, rule in regime.paths.items() if regime in regimes else ():
            if not values(consent, path):
                missing.append(Issue(f"The element {path} is missing ({rule})", f"Consent.{path}", "required"))


def _signature(
    consent: dict[str, Any],
    s: ConsentContext,
    signed: Interval | None,
    tree: Tree,
    regimes: frozenset[Regime],
    missing: list[Issue],
) -> Signature | None:
    """Whose signatures hold, as one; otherwise a gap for each performer.

    An adult student's suffices. Of others a RelatedPerson's counts before the student's, who has then cosigned.
    """
    performers = values(consent, "performer")
    if not performers:
        missing.append(_missing_requirement("Who signed is missing", "Consent.performer", regimes, Element.SIGNER))
    on = signed or Interval(s.now, s.now)  # a missing day is a gap of its own
    reasons: list[Issue] = []
    holds: list[Signature] = []
    for i, performer in enumerate(performers):
        found = _one_signature(performer, s, on, tree, confirmed_at(consent), education=_education(regimes))
        if isinstance(found, Signature):
            holds.append(found)
            continue
        reasons.append(
            Issue(f"The signer's authority is missing: {found}.", f"Consent.performer[{i}]", "business-rule")
        )
    if not holds:
        missing.extend(reasons)
        return None
    first = min(holds, key=lambda h: (h.signer is not None or h.age < MAJORITY, h.signer is None))
    student = any(local_id(p, "Patient") == s.student for p in performers)
    return replace(first, cosigned=student) if first.signer else first


def _one_signature(
    performer: dict[str, Any],
    s: ConsentContext,
    signed: Interval,
    tree: Tree,
    confirmed: datetime | None,
    *,
    education: bool,
) -> Signature | str:
    if local_id(performer, "Patient") == s.student:
        return student_signs(s, signed.lower, [p for p in tree.nodes if p.permit], education=education)
    related = local_id(performer, "RelatedPerson")
    if related is None:
        return "a student or a RelatedPerson signs"
    return guardian_signs(s, related, signed, confirmed, education=education)
