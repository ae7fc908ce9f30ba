"""How releases stand, as FHIR Parameters. Pure. https://hl7.org/fhir/R4/parameters.html"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from app.consent.standing import Change, Covered, Opened, Standing
from app.fhir.dates import END, instant

Part = dict[str, Any]


def status_report(standings: Iterable[Standing], changes: Iterable[Change]) -> Part:
    """Each release with what it opens to whom, and each change to come."""
    parts = [part("release", *_release(s)) for s in standings]
    parts += [part("change", *_change(c)) for c in changes]
    return {"resourceType": "Parameters", **({"parameter": parts} if parts else {})}


def covered_report(covered: Iterable[Covered]) -> list[Part]:
    """What each provision covers, by recipient. For a picture: no operation answers with it."""
    return [
        part(
            "provision",
            {"name": "consent", "valueReference": {"reference": f"Consent/{c.consent}"}},
            {"name": "node", "valueInteger": c.node},
            {"name": "organization", "valueReference": {"reference": f"Organization/{c.recipient}"}},
            *_counts("covers", c.counts),
        )
        for c in covered
    ]


def part(name: str, *parts: Part) -> Part:
    """A parameter with parts."""
    return {"name": name, "part": list(parts)}


def _release(s: Standing) -> list[Part]:
    found: list[Part] = [
        {
            "name": "consent",
            "valueReference": {"reference": f"Consent/{s.release.consent}/_history/{s.release.version}"},
        },
        {"name": "effective", "valueBoolean": s.effective},
    ]
    if s.why:
        found.append({"name": "why", "valueString": s.why})
    found += [_moment(name, at) for name, at in (("since", s.since), ("until", s.until)) if at is not None and at < END]
    return found + [part("recipient", *_opened(o)) for o in s.opens]


def _opened(o: Opened) -> list[Part]:
    found: list[Part] = [{"name": "organization", "valueReference": {"reference": f"Organization/{o.recipient}"}}]
    found += _counts("opens", o.counts)
    for consent, count in sorted(o.shared.items()):
        also = {"name": "consent", "valueReference": {"reference": f"Consent/{consent}"}}
        found.append(part("alsoOpenedBy", also, {"name": "count", "valueInteger": count}))
    return found


def _change(c: Change) -> list[Part]:
    found = [_moment("at", c.at), *({"name": "why", "valueString": w} for w in c.why)]
    found.append({"name": "organization", "valueReference": {"reference": f"Organization/{c.recipient}"}})
    return found + _counts("opens", c.opens) + _counts("closes", c.closes)


def _counts(name: str, counts: Counter[str]) -> list[Part]:
    return [
        part(name, {"name": "type", "valueCode": kind}, {"name": "count", "valueInteger": count})
        for kind, count in sorted(counts.items())
    ]


def _moment(name: str, at: datetime) -> Part:
    return {"name": name, "valueInstant": instant(at)}
