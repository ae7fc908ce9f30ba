"""Patient/$match: which of the students that the caller may see one description fits.

https://hl7.org/fhir/R4/patient-operation-match.html
"""

from __future__ import annotations

from typing import Any

from fastapi import Request, Response

from app.api import bundle, http, parameters
from app.api.context import RequestContext
from app.api.search import understand
from app.capability.operation import Body, Call, Operation
from app.errors import HallpassError, Issue, Kind
from app.exchange import matching
from app.exchange.service import PendingResult, Session
from app.fhir.validation.validate import check
from app.limits.long_work import is_large
from app.resources import ResourceType
from app.resources.paths import values
from app.search.normal import LONGEST_ASKED, fold
from app.search.query import Search

KINDS = {"resource": "resource", "onlyCertainMatches": "valueBoolean", "count": "valueInteger"}
DEFAULT_COUNT = 10


async def match(request: Request, context: RequestContext, _declared: ResourceType, _id: None) -> Response:
    """The students that fit, graded."""
    http.require_acceptable(request)
    http.parameters(request)
    content = await context.body(request, "Patient", "s")
    given = await context.off_loop(lambda: _given(content), large=is_large(content))
    patient = given["resource"]
    count = given.get("count", DEFAULT_COUNT)
    if count < 1:
        text = "The parameter count is a whole number above 0."
        raise HallpassError(Kind.UNPROCESSABLE, Issue(text, "Parameters.parameter.where(name='count')"))
    certain = given.get("onlyCertainMatches", False)

    async def unit_of_work(session: Session) -> list[PendingResult]:
        most = min(count, context.settings.max_count)
        return [await matching.match(session, patient, _searches(session, patient), most, only_certain=certain)]

    answer = await context.one("match", unit_of_work)
    links = [("self", f"{context.base}/Patient/$match")]
    return http.respond(request, bundle.searchset(answer.released, context.base, links, answer.total))


def _given(content: dict[str, Any]) -> dict[str, Any]:
    """The parameters, of which the Patient may stand alone. Raises UNPROCESSABLE."""
    bare = content.get("resourceType") == "Patient"
    given: dict[str, Any] = {"resource": content} if bare else parameters.read(content, KINDS)
    if "resource" not in given:
        text = "The parameter resource is a Patient."
        raise HallpassError(Kind.UNPROCESSABLE, Issue(text, "Parameters.parameter.where(name='resource')"))
    check("Patient", given["resource"])
    return given


def _searches(session: Session, patient: dict[str, Any]) -> list[Search]:
    """The searches that find each Patient that could reach a grade: by identifier, or by name and birth date."""
    found = []
    identifiers = [
        f"{_escaped(i['system'])}|{_escaped(i['value'])}"
        for i in patient.get("identifier", [])
        if "system" in i and "value" in i
    ]
    if identifiers:
        found.append([("identifier", ",".join(identifiers))])
    families, given = (_asked(values(patient, f"name.{part}")) for part in ("family", "given"))
    born = _overlapping(patient["birthDate"]) if "birthDate" in patient else []
    if families:
        found += [[("family", ",".join(families)), *born], [("family", ",".join(families)), *_some("given", given)]]
    if given and born:
        found.append([("given", ",".join(given)), *born])
    return [understand(session, "Patient", [*pairs, ("_total", "none")]) for pairs in found]


def _overlapping(date: str) -> list[tuple[str, str]]:
    """Criteria for each birth date that this one may be, where either is a year or a month alone."""
    return [("birthdate", f"ge{date}"), ("birthdate", f"le{date}")]


def _some(name: str, texts: list[str]) -> list[tuple[str, str]]:
    return [(name, ",".join(texts))] if texts else []


def _asked(names: list[str]) -> list[str]:
    """Names as a search takes them."""
    return [_escaped(folded[:LONGEST_ASKED]) for name in names if (folded := fold(name))]


def _escaped(text: str) -> str:
    """A value as a search parameter takes it. https://hl7.org/fhir/R4/search.html#escaping"""
    for special in "\\,|$":
        text = text.replace(special, f"\\{special}")
    return text


OPERATIONS = (
    Operation(
        name="match",
        type="Patient",
        calls=(Call("POST", "matchPatient", "Find a student by a description", instance=False),),
        note="resource, onlyCertainMatches, count; over what the caller may see; certain only if nothing contradicts",
        answer=match,
        scopes=("system/Patient.s",),
        hl7="Patient-match",
        body=Body(("Patient", "Parameters"), "A Patient, or Parameters with resource, onlyCertainMatches and count."),
        returns_text="The students that the caller may see and that fit, graded.",
    ),
)
