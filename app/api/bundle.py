"""Bundles out of what was released: searchset, history, and the answers of a batch or transaction.

https://hl7.org/fhir/R4/bundle.html — bodies are joined as the bytes they are stored as. Only `Released` is taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

from app.errors import HallpassError
from app.exchange.release import Released, Withdrawn
from app.fhir.dates import instant
from app.fhir.etags import etag
from app.fhir.json import dump
from app.fhir.outcome import outcome, success

Link = tuple[str, str]
_GOES_ALONG = (
    "Goes along under 42 CFR 2.32: records of this page are disclosed under this Consent. The total does not count it."
)
MATCH_GRADE = "http://hl7.org/fhir/StructureDefinition/match-grade"


def searchset(
    released: Sequence[Released], base: str, links: Sequence[Link], total: int | None, outcomes: Sequence[bytes] = ()
) -> bytes:
    """A searchset Bundle; `total` counts matches, and is left out where None."""
    entries = [
        b'{"fullUrl":%s,"resource":%s,"search":%s}' % (_url(r, base), r.body, _found(r))
        for r in map(_checked, released)
    ]
    entries += [
        b'{"fullUrl":"urn:uuid:%s","resource":%s,"search":{"mode":"outcome"}}' % (_name(o), o) for o in outcomes
    ]
    return _bundle("searchset", entries, links, total)


def history(
    released: Sequence[Released],
    base: str,
    links: Sequence[Link],
    total: int,
    *,
    withdrawn: Sequence[Withdrawn] = (),
    since: datetime | None = None,
) -> bytes:
    """A history Bundle: each version with the request that made it, and what is withdrawn from the reader of a feed.

    A Consent that goes along stands at its own time, as the version that it is. `since` is the moment from which that
    reader goes on; it stands in `meta.lastUpdated`.
    """
    newest_first = sorted(released, key=_time, reverse=True)
    entries = [_withdrawn(w, base) for w in withdrawn] + [_version(r, base) for r in newest_first]
    return _bundle("history", entries, links, total, since)


def document(composition: dict[str, Any], released: Sequence[Released], base: str, at: str) -> bytes:
    """A document: the Composition, and each resource that it is made of. https://hl7.org/fhir/R4/documents.html

    Its names are made of its content, so that the same plan is the same document.
    """
    own = dump(composition)
    made_of = [f"{r.type}/{r.id} {instant(r.updated)}".encode() for r in map(_checked, released)]
    name = _name(b"\n".join([own, *made_of]))  # without version numbers, which count what others do not see
    entries = [b'{"fullUrl":"urn:uuid:%s","resource":%s}' % (name, dump({**composition, "id": name.decode()}))]
    entries += [b'{"fullUrl":%s,"resource":%s}' % (_url(r, base), r.body) for r in map(_checked, released)]
    head = dump({"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{name.decode()}"})
    return b'{"resourceType":"Bundle","type":"document","identifier":%s,"timestamp":%s,"entry":[%s]}' % (
        head,
        dump(at),
        b",".join(entries),
    )


def responses(kind: str, entries: Iterable[bytes]) -> bytes:
    """A batch-response or transaction-response Bundle of entries made by `entry` and `failure`."""
    return _bundle(kind, list(entries), (), None)


def entry(
    status: str,
    base: str,
    released: Released | None,
    *,
    body: bool,
    named: bool = True,
    outcome_: dict[str, Any] | None = None,
) -> bytes:
    """What one entry of a batch or transaction came to; `body`: with the resource itself, `named`: with its fullUrl."""
    response: dict[str, Any] = {"status": status}
    parts: list[bytes] = []
    if released is not None:
        _checked(released)
        response["location"] = f"{base}/{released.type}/{released.id}/_history/{released.version}"
        response["etag"] = released.etag
        response["lastModified"] = instant(released.updated)
        if named:
            parts.append(b'"fullUrl":' + _url(released, base))
        if body:
            parts.append(b'"resource":' + released.body)
    if outcome_ is not None:
        response["outcome"] = outcome_
    parts.append(b'"response":' + dump(response))
    return b"{" + b",".join(parts) + b"}"


def page_entry(status: str, body: bytes) -> bytes:
    """An entry of a batch whose answer is a Bundle, as of a search or a history, or what an operation returns."""
    return b'{"resource":%s,"response":%s}' % (body, dump({"status": status}))


def unchanged(status: str, released: Released) -> bytes:
    """An entry of a batch that reads what the caller has already."""
    response = {"status": status, "etag": released.etag, "lastModified": instant(released.updated)}
    return b'{"response":%s}' % dump(response)


def refused(status: int, outcome_: bytes) -> bytes:
    """An entry of a batch that an operation refused, with its OperationOutcome."""
    return b'{"response":{"status":"%d","outcome":%s}}' % (status, outcome_)


def failure(error: HallpassError) -> bytes:
    """An entry of a batch that was refused."""
    response = {"status": str(error.status), "outcome": outcome(error)}
    return b'{"response":%s}' % dump(response)


def _name(body: bytes) -> bytes:
    """A UUID for a resource that is not stored: the same for the same content, so that it tells of nothing else."""
    return str(uuid5(NAMESPACE_OID, body.decode())).encode()


def _time(released: Released) -> tuple[datetime, UUID, int]:
    return _checked(released).updated, released.id, released.version


def _version(released: Released, base: str) -> bytes:
    request = {"method": released.method, "url": f"{released.type}/{released.id}"}
    if released.method == "POST":
        request["url"] = released.type
    status = {"POST": "201", "DELETE": "204"}.get(released.method, "200")
    response: dict[str, Any] = {"status": status, "etag": etag(released.version)}
    response["lastModified"] = instant(released.updated)
    if released.mode == "include":
        response["outcome"] = success(_GOES_ALONG)
    resource = b"" if released.deleted else b'"resource":%s,' % released.body
    return b'{"fullUrl":%s,%s"request":%s,"response":%s}' % (
        _url(released, base),
        resource,
        dump(request),
        dump(response),
    )


def _withdrawn(gone: Withdrawn, base: str) -> bytes:
    """An entry without content: to the reader the resource is as if it were deleted."""
    url = f"{gone.type}/{gone.id}"
    text = "Withdrawn: you no longer see this resource. It may still exist."
    entry = {
        "fullUrl": f"{base}/{url}",
        "request": {"method": "DELETE", "url": url},
        "response": {"status": "204", "lastModified": instant(gone.at), "outcome": success(text)},
    }
    return dump(entry)


def _bundle(
    kind: str, entries: list[bytes], links: Sequence[Link], total: int | None, updated: datetime | None = None
) -> bytes:
    parts = [b'{"resourceType":"Bundle"']
    if updated is not None:
        parts.append(b'"meta":{"lastUpdated":"%s"}' % instant(updated).encode())
    parts.append(b'"type":"%s"' % kind.encode())
    if total is not None:
        parts.append(b'"total":%d' % total)
    if links:
        parts.append(b'"link":' + dump([{"relation": name, "url": url} for name, url in links]))
    if entries:
        parts.append(b'"entry":[' + b",".join(entries) + b"]")
    return b",".join(parts) + b"}"


def _found(released: Released) -> bytes:
    """Why a resource stands in a searchset, and how well it fits. https://hl7.org/fhir/R4/bundle.html#search"""
    if released.score is None:
        return b'{"mode":"%s"}' % released.mode.encode()
    score, grade = released.score
    return dump({"extension": [{"url": MATCH_GRADE, "valueCode": grade}], "mode": released.mode, "score": score})


def _url(released: Released, base: str) -> bytes:
    return dump(f"{base}/{released.type}/{released.id}")


def _checked(released: Released) -> Released:
    if not isinstance(released, Released):
        raise TypeError("only what the access service released can be written out")
    return released
