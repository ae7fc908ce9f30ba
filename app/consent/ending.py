"""Ended is ended: how a Consent that was active may still change, and when a new one is an ended one again. Pure.

https://hl7.org/fhir/R4/consent.html — docs/rule.md, 'Ended is ended'. A new signature is a new Consent. Under the
old signature a Consent can only open less: it ends, it ends sooner, or it gains an exception that denies.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from app.consent.confirming import adds
from app.errors import Issue
from app.fhir.dates import END, interval
from app.fhir.json import canonical
from app.resources.paths import first, values
from app.resources.refs import parse_local

FINAL = frozenset({"inactive", "entered-in-error", "rejected"})
"""Statuses that a Consent never leaves."""
_SERVER_SET = frozenset({"versionId", "lastUpdated", "source"})
_JUDGED_APART = frozenset({"resourceType", "id", "meta", "text", "status", "provision"})
Documents = Mapping[UUID, dict[str, Any]]
"""What evidence leads to, by its id: documents, answers to a form, and bytes."""
_NEW = "A new signature is a new Consent."


def widens(
    before: dict[str, Any], after: dict[str, Any], zone: ZoneInfo, *, confirms: bool = False
) -> tuple[Issue, ...]:
    """What in `after` would revive, extend, widen or re-date the Consent that `before` is; empty: it may be stored.

    A Consent that was never active (draft, proposed) may become anything. The narrative says nothing that is judged.
    Dates are taken in `zone`, the custodian's. `confirms`: by $confirm, which alone adds a confirmation.
    """
    status = before.get("status")
    if status in FINAL:
        text = f"This Consent has ended and cannot change any more. {_NEW}"
        return (_issue(text, "Consent.status"),)
    if not confirms and adds(before, after):
        text = "A release is confirmed by $confirm alone, once what lapsed is back."
        return (_issue(text, "Consent.verification"),)
    if status != "active":
        return ()
    found: list[Issue] = []
    if after.get("status") not in FINAL | {"active"}:
        text = f"An active Consent can only end: set its status to {', '.join(sorted(FINAL))}."
        found.append(_issue(text, "Consent.status"))
    if not _same(_meta(before), _meta(after)):
        found.append(_fixed("Consent.meta"))
    names = ({*before, *after}) - _JUDGED_APART - ({"verification"} if confirms else set())
    found += [_fixed(f"Consent.{n}") for n in sorted(names) if not _same(before.get(n), after.get(n))]
    root, changed = before.get("provision", {}), after.get("provision", {})
    return (*found, *_root(root, changed, zone))


def same_evidence(
    one: dict[str, Any], other: dict[str, Any], zone: ZoneInfo, documents: Documents = MappingProxyType({})
) -> bool:
    """Whether two Consents rest on one signature: of the same patient, source and signers, at times that overlap.

    A document that was stored again under another id is the same source: it is known by what `documents` has of it.
    """
    return same_signers(one, other, zone) and bool(_marks(one, documents) & _marks(other, documents))


def same_signers(one: dict[str, Any], other: dict[str, Any], zone: ZoneInfo) -> bool:
    """Whether two Consents are of the same patient and signers, at times that overlap."""
    return (
        _targets(one, "patient") == _targets(other, "patient")
        and _targets(one, "performer") == _targets(other, "performer")
        and _overlap(one.get("dateTime"), other.get("dateTime"), zone)
    )


def source_of(consent: dict[str, Any]) -> tuple[str, UUID] | None:
    """Type and id of the resource that a Consent rests on; None where it is none of this server's."""
    return parse_local(str(first(consent, "sourceReference.reference") or ""))


def bytes_of(document: dict[str, Any]) -> list[tuple[str, UUID]]:
    """Type and id of the Binaries that a document leads to."""
    found = (parse_local(str(url)) for url in values(document, "content.attachment.url"))
    return [target for target in found if target is not None and target[0] == "Binary"]


def _root(before: dict[str, Any], after: dict[str, Any], zone: ZoneInfo) -> list[Issue]:
    """What is wrong with a changed root provision. Its end may come nearer, where it permits."""
    at = "Consent.provision"
    permit = before.get("type") == "permit"
    old, new = before.get("period"), after.get("period")
    rest = {k: v for k, v in after.items() if k != "period"} | ({"period": old} if old is not None else {})
    found = _provision(before, rest, at, permit=permit)
    if not _same(old, new) and not (permit and _nearer(old or {}, new or {}, zone)):
        text = f"The end of an active Consent that permits can come nearer; nothing else in its period changes. {_NEW}"
        found.append(_issue(text, f"{at}.period"))
    return found


def _nearer(old: dict[str, Any], new: dict[str, Any], zone: ZoneInfo) -> bool:
    """Whether a period is another one with an earlier end."""
    if not _same({**old, "end": None}, {**new, "end": None}) or "end" not in new:
        return False
    until = interval(old["end"], zone).upper if "end" in old else END
    return interval(new["end"], zone).upper <= until


def _provision(before: dict[str, Any], after: dict[str, Any], at: str, *, permit: bool) -> list[Issue]:
    """What is wrong with a changed provision: it stays as it was, but one that permits may gain exceptions."""
    names = ({*before, *after}) - {"provision"}
    found = [_fixed(f"{at}.{n}") for n in sorted(names) if not _same(before.get(n), after.get(n))]
    known = values(before, "provision")
    for i, child in enumerate(values(after, "provision")):
        place = f"{at}.provision[{i}]"
        if known and not _provision(known[0], child, place, permit=not permit):
            known.pop(0)
        elif not (permit and child.get("type") in (None, "deny") and "provision" not in child):
            text = f"What is added to an active Consent is a single exception that denies, to what it permits. {_NEW}"
            found.append(_issue(text, place))
    if known:
        text = f"Each exception of an active Consent stays as it was, in its order. {_NEW}"
        found.append(_issue(text, f"{at}.provision"))
    return found


def _marks(consent: dict[str, Any], documents: Documents) -> set[bytes]:
    """What the evidence is known by: where it lies, and what it is."""
    attachment, target = consent.get("sourceAttachment"), source_of(consent)
    if attachment is not None:
        return {_attached(attachment, documents)}
    if target is None:
        return {canonical({"source": consent.get("sourceReference")})}
    document = documents.get(target[1], {})
    found = {canonical({"source": f"{target[0]}/{target[1]}"})}
    if document.get("resourceType") == "QuestionnaireResponse":
        found.add(canonical({k: document.get(k) for k in ("questionnaire", "item")}))
    return found | {_attached(a, documents) for a in values(document, "content.attachment")}


def _attached(attachment: dict[str, Any], documents: Documents) -> bytes:
    """The document's bytes, or where it lies, before what it is called."""
    target = parse_local(str(attachment.get("url", "")))
    stored = documents.get(target[1], {}) if target else {}
    known = {**attachment, "data": stored["data"]} if "data" in stored else attachment
    by = next((k for k in ("data", "hash", "url") if k in known), None)
    return canonical({by: "".join(str(known[by]).split())} if by else known)


def _targets(consent: dict[str, Any], element: str) -> set[str]:
    """What an element refers to, without the version."""
    texts = values(consent, f"{element}.reference")
    return {f"{found[0]}/{found[1]}" if (found := parse_local(t)) else str(t) for t in texts}


def _overlap(one: str | None, other: str | None, zone: ZoneInfo) -> bool:
    """Whether two dates can be one moment: a day and a time of that day can."""
    if one is None or other is None:
        return one == other
    a, b = interval(one, zone), interval(other, zone)
    return a.lower < b.upper and b.lower < a.upper


def _meta(consent: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in consent.get("meta", {}).items() if k not in _SERVER_SET}


def _same(one: Any, other: Any) -> bool:
    return canonical({"x": one}) == canonical({"x": other})


def _fixed(at: str) -> Issue:
    return _issue(f"This stands as it was signed while the Consent is active. {_NEW}", at)


def _issue(text: str, at: str) -> Issue:
    return Issue(text, at, "business-rule")
