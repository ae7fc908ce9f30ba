"""Patient/[id]/$transfer and Patient/$transfers: a student changes district. One proposes, the other accepts.

34 CFR 99.31(a)(2), 99.34. https://hl7.org/fhir/R4/operations.html
"""

from __future__ import annotations

from uuid import UUID

from fastapi import Request, Response

from app.api import http
from app.api.context import RequestContext
from app.api.parameters import read
from app.caller import Caller
from app.capability.operation import Body, Call, Operation, Parameter
from app.errors import HallpassError, Issue, Kind
from app.exchange import transferring
from app.exchange.service import PendingResult, Session
from app.exchange.transferring import Transfer
from app.fhir.json import dump
from app.resources import ResourceType
from app.resources.refs import local_id

PROPOSED = {"to": "valueReference", "notice": "valueCode"}
ANSWERED = {"transfer": "valueId", "accept": "valueBoolean"}


async def propose(request: Request, context: RequestContext, _declared: ResourceType, id: str) -> Response:
    """The proposal, which the new district can accept."""
    http.require_acceptable(request)
    http.parameters(request)
    given = read(await context.body(request, "Patient", "r"), PROPOSED)
    to = local_id(given.get("to", {}), "Organization")
    if to is None or "notice" not in given:
        raise _needed("Give 'to', a reference to the new district's Organization, and 'notice'.")

    async def unit_of_work(session: Session) -> list[PendingResult]:
        return [await transferring.propose(session, id, to, given["notice"])]

    return http.respond(request, dump((await context.one("transfer", unit_of_work)).document))


async def transfers(request: Request, context: RequestContext, _declared: ResourceType, _id: None) -> Response:
    """The proposals of both sides, or what came of accepting or withdrawing one."""
    http.require_acceptable(request)
    http.parameters(request)
    if request.method == "GET":

        async def listing(session: Session) -> list[PendingResult]:
            return [await transferring.listed(session)]

        return http.respond(request, dump((await context.one("transfer", listing)).document))
    given = read(await context.body(request, "Patient", "cru"), ANSWERED)
    if "transfer" not in given or "accept" not in given:
        raise _needed("Give 'transfer', the id of a proposal, and 'accept': true, or false to take back your own.")
    proposal = transferring.transfer_id(given["transfer"])
    answer = _accepted(context, proposal) if given["accept"] else _withdrawn(context, proposal)
    return http.respond(request, await answer)


async def _accepted(context: RequestContext, proposal: UUID) -> bytes:
    """First the old releases end, in the name of who proposed it; then the records are copied."""
    found: list[tuple[Transfer, Caller]] = []

    async def ask(session: Session) -> list[PendingResult]:
        transfer = await transferring.pending(session, proposal)
        found.append((transfer, await transferring.proposer(session, transfer)))
        return [PendingResult()]

    await context.one("transfer", ask)
    transfer, proposer = found[-1]

    async def end(session: Session) -> list[PendingResult]:
        return await transferring.end_releases(session, transfer)

    try:
        await context.access_service.perform(proposer, "transfer", end)
    except HallpassError as e:
        if e.kind in (Kind.UNAVAILABLE, Kind.TOO_COSTLY):
            raise
        text = "The releases of the old district could not be ended. Ask it to propose the transfer again."
        raise HallpassError(Kind.CONFLICT, text) from None

    async def copy(session: Session) -> list[PendingResult]:
        return [await transferring.accept(session, proposal)]

    return dump((await context.one("transfer", copy)).document)


async def _withdrawn(context: RequestContext, proposal: UUID) -> bytes:
    async def unit_of_work(session: Session) -> list[PendingResult]:
        return [await transferring.withdraw(session, proposal)]

    return dump((await context.one("transfer", unit_of_work)).document)


def _needed(text: str) -> HallpassError:
    return HallpassError(Kind.UNPROCESSABLE, Issue(text, "Parameters.parameter", "required"))


_RETURN = Parameter(
    "return",
    "Parameters",
    "A transfer for each proposal: id, from, to, notice, proposed, until, accepted; the patient, to who proposed it;"
    " and as waiting each release that ended by it and wants a new signature. Once accepted: the patient and counts.",
    1,
    use="out",
)
OPERATIONS = (
    Operation(
        name="transfer",
        type="Patient",
        calls=(Call("POST", "proposeTransfer", "Propose to transfer a student to another district"),),
        note="proposes to another district to take over a student's education records (34 CFR 99.31(a)(2))",
        answer=propose,
        scopes=(*(f"system/{name}.r" for name in transferring.HANDED_OVER), "system/Consent.u"),
        parameters=(
            Parameter("to", "Reference", "The new district's Organization.", 1),
            Parameter("notice", "code", f"How the parent knows: {', '.join(transferring.NOTICES)} (34 CFR 99.34).", 1),
            _RETURN,
        ),
        affects_state=True,
        body=Body(("Parameters",), "to and notice."),
        returns="Parameters",
        returns_text="The proposal.",
    ),
    Operation(
        name="transfers",
        type="Patient",
        calls=(
            Call("GET", "transfers", "The transfers that were proposed", instance=False),
            Call("POST", "answerTransfer", "Accept a student's transfer, or take a proposal back", instance=False),
        ),
        note="the proposals of both sides; accept copies the records, and ends the old district's releases",
        answer=transfers,
        scopes=("system/Patient.r",),
        parameters=(
            Parameter("transfer", "id", "The id of a proposal.", 1),
            Parameter("accept", "boolean", "True: the new district accepts. False: who proposed it takes it back.", 1),
            _RETURN,
        ),
        affects_state=True,
        body=Body(("Parameters",), "transfer and accept."),
        returns="Parameters",
        returns_text="The proposals; once accepted the new Patient, what was copied, and the releases that wait.",
    ),
)
