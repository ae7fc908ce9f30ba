"""The format in which a request is answered: JSON, or XML to those who would rather have that.

https://hl7.org/fhir/R4/http.html#mime-type — `_format` overrules Accept. Of two that are wanted alike, JSON it is.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from fastapi import Request, Response

from app.errors import HallpassError, Issue, Kind
from app.fhir.json import dump, parse
from app.fhir.outcome import outcome, success
from app.fhir.xml.write import HEAD, NAMESPACE, dump_xml, element
from app.limits.content import more_values

FHIR_JSON, FHIR_XML = "application/fhir+json", "application/fhir+xml"
JSON_KINDS = frozenset({FHIR_JSON, "application/json", "text/json", "application/json+fhir"})
XML_KINDS = frozenset({FHIR_XML, "application/xml", "text/xml", "application/xml+fhir"})
READABLE = JSON_KINDS | XML_KINDS
_WILDCARDS = frozenset({"*/*", "application/*"})
MOST_IN_XML = 15_000
"""Values of an answer that is turned into XML: it happens between the judgment and the bytes, and so at once."""


def wants_xml(request: Request) -> bool:
    """Whether the answer is to be XML."""
    asked = request.query_params.get("_format")
    if asked is not None:
        return _named(asked) in XML_KINDS | {"xml"}
    weights = _weights(request)
    xml = max((q for kind, q in weights.items() if kind in XML_KINDS), default=0.0)
    if not xml:
        return False
    named = [q for kind, q in weights.items() if kind in JSON_KINDS]
    if named:
        return xml > max(named)
    return xml >= max((q for kind, q in weights.items() if kind in _WILDCARDS), default=0.0)


def require_acceptable(request: Request) -> None:
    """Raise NOT_ACCEPTABLE unless JSON or XML will do: by _format, or else by Accept; INVALID for a bad _pretty."""
    if request.query_params.get("_pretty", "true") not in ("true", "false"):
        raise HallpassError(Kind.INVALID, Issue("The parameter '_pretty' takes true or false."))
    asked = request.query_params.get("_format")
    fits = _named(asked) in READABLE | {"json", "xml"} if asked is not None else _weights(request).keys() & _ACCEPTED
    if not fits:
        raise HallpassError(Kind.NOT_ACCEPTABLE, f"This server speaks {FHIR_JSON} and {FHIR_XML}.")


_ACCEPTED = READABLE | _WILDCARDS


def written(
    request: Request, content: bytes, status: int, headers: dict[str, str], *, done: str | None = None
) -> Response:
    """A response with a resource, given as JSON. `done`: what to say instead of one that is too much for XML.

    Raises TOO_COSTLY for too much where nothing is said instead.
    """
    if not wants_xml(request):
        if _pretty(request):
            content = dump(parse(content), pretty=True)
        return Response(content, status, headers, _kind(request, "application/json", FHIR_JSON))
    resource = parse(content)
    if more_values(resource, MOST_IN_XML):
        if done is None:
            raise _too_much()
        resource = success(done)
    return Response(dump_xml(resource), status, headers, _kind(request, "application/xml", FHIR_XML))


def refused(request: Request, content: dict[str, Any], status: int, headers: dict[str, str]) -> Response:
    """A response with an OperationOutcome."""
    if wants_xml(request):
        return Response(dump_xml(content), status, headers, FHIR_XML)
    return Response(dump(content, pretty=_pretty(request)), status, headers, FHIR_JSON)


def media_type(request: Request) -> str:
    """What a FHIR response that is sent in parts says that it is."""
    return FHIR_XML if wants_xml(request) else _kind(request, "application/json", FHIR_JSON)


async def bundle_in_parts(request: Request, kind: str, entries: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """A Bundle of entries, in parts: one for each, which is taken when those before have left."""
    xml, pretty = wants_xml(request), _pretty(request)
    opening = b'{"resourceType":"Bundle","type":"%s","entry":[' % kind.encode()
    if xml:
        opening = HEAD + f'<Bundle xmlns="{NAMESPACE}"><type value="{kind}"/>'.encode()
    async for part in entries:
        if xml:
            yield opening + _entry_in_xml(parse(part))
        else:
            yield opening + (dump(parse(part), pretty=True) if pretty else part)
        yield b""  # a server waits here until what was sent before is with the system, as it does before each part
        opening = b"" if xml else b","
    yield b"</Bundle>" if xml else b"]}"


def _entry_in_xml(entry: dict[str, Any]) -> bytes:
    if more_values(entry, MOST_IN_XML):
        entry = {"response": {**entry["response"], "outcome": outcome(_too_much())}}
    return element("Bundle", "entry", entry)


def _too_much() -> HallpassError:
    text = f"The answer has more than {MOST_IN_XML} values, which is too much for XML. Ask for less, or for JSON."
    return HallpassError(Kind.TOO_COSTLY, text)


def _kind(request: Request, plain: str, ours: str) -> str:
    """FHIR's media type, or the plain one to those who ask for that."""
    wanted = request.headers.get("Accept", "")
    return plain if plain in wanted and ours not in wanted else ours


def _pretty(request: Request) -> bool:
    return request.query_params.get("_pretty") == "true"


def _named(format_: str) -> str:
    """A format without its parameters; a plus that was sent as it is has become a space."""
    return format_.partition(";")[0].strip().replace(" ", "+")


def _weights(request: Request) -> dict[str, float]:
    """The kinds that Accept names, with their weights. https://www.rfc-editor.org/rfc/rfc9110#section-12.5.1"""
    found: dict[str, float] = {}
    for part in request.headers.get("Accept", "*/*").split(","):
        kind, *parameters = (p.strip() for p in part.split(";"))
        stated = [p[2:] for p in parameters if p[:2].lower() == "q="]
        try:
            weight = min(max(float(stated[0]), 0.0), 1.0) if stated else 1.0
        except ValueError:
            weight = 1.0
        if weight:
            found[kind.lower()] = max(weight, found.get(kind.lower(), 0.0))
    return found
