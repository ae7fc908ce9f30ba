"""What the access service has let out: the only thing that can become a response."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from app.consent import contact
from app.consent.codes import PART2
from app.consent.regimes import BY_CODE
from app.db.feed import Withdrawn as Withdrawn
from app.db.rows import Ground, Grounds, Stored
from app.errors import Issue
from app.fhir.etags import Known, etag
from app.fhir.json import dump, parse
from app.search.query import Search
from app.search.subset import Subset, marked
from app.telemetry import measures

Mode = Literal["match", "include"]
Score = tuple[float, str]
"""How well a Patient fits what was asked, from 0 to 1, and the grade of the match-grade value set."""

_PROOF = object()
_ACT_CODE = b'{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":'
NO_REDISCLOSURE = _ACT_CODE + b'"NORDSCLCD","display":"no redisclosure without consent directive"}'
"""The label on a student's record that leaves its custodian, unless no law of its release forbids to pass it on.
42 CFR 2.32, 34 CFR 99.33."""
_COMPLY = _ACT_CODE + b'"CPLYCD","display":"comply with consent directive"}'
"""The label that points to the Consent where the other is not due, or is the custodian's own already."""

RELATED_ARTIFACT = "http://hl7.org/fhir/uv/security-label-ds4p/StructureDefinition/extension-sec-label-related-artifact"
_PART2_NOTICE = BY_CODE[PART2].notice.text


class Released:
    """A resource version that has been released to this caller, and, where that discloses, is on the ledger.

    Only the access service makes one, after its transaction has committed; writers of responses accept nothing else.
    """

    __slots__ = (
        "advice",
        "body",
        "deleted",
        "ground",
        "id",
        "method",
        "mode",
        "score",
        "student",
        "type",
        "updated",
        "version",
    )

    def __init__(
        self,
        proof: object,
        row: Stored,
        mode: Mode,
        *,
        disclosed: bool,
        part: Subset | None = None,
        score: Score | None = None,
        ground: Ground | None = None,
        base: str = "",
        advice: tuple[Issue, ...] = (),
    ) -> None:
        if proof is not _PROOF:
            raise TypeError("only the access service releases")
        self.type = row.type
        self.id = row.id
        self.student = row.student
        self.version = row.version
        self.updated = row.updated
        self.deleted = row.deleted
        self.method = row.method
        self.mode = mode
        self.score = score
        self.ground = ground
        self.advice = advice
        self.body = _usable(row, _labelled(row, ground, base)) if disclosed and row.student is not None else row.body
        if part is not None and not row.deleted:
            self.body = part.cut(row.type, self.body, included=mode == "include")

    @property
    def basis(self) -> str:
        """Under which Consent and version it leaves, as its tag says; empty where no release opens it."""
        return self.ground.tag if self.ground is not None else ""

    @property
    def etag(self) -> str:
        """Its entity tag: the version, and the basis on which it leaves."""
        return etag(self.version, self.basis)


@dataclass(frozen=True, slots=True)
class PendingRow:
    """A row that the database let this caller see, before the ledger and the commit."""

    row: Stored
    mode: Mode = "match"
    score: Score | None = None
    advice: tuple[Issue, ...] = ()
    """What who wrote it is warned of."""


@dataclass(frozen=True, slots=True)
class PendingResult:
    """What one interaction came to, inside the transaction.

    `absent` is a deletion done (204). `cursors` are `next` and `previous` page tokens by relation. `known` tells
    whether the caller has the version already: 304 tells it so, and the ledger that it was told. `part`: what of each
    resource leaves; the ledger enters its version all the same.
    """

    pending: tuple[PendingRow, ...] = ()
    total: int | None = None
    created: bool = False
    unchanged: bool = False
    absent: bool = False
    cursors: dict[str, str] = field(default_factory=dict)
    search: Search | None = None
    known: Known | None = None
    part: Subset | None = None
    document: dict[str, Any] | None = None
    """What a custodian is told about its own records: an explanation, a preview, a list of disclosures."""
    withdrawn: tuple[Withdrawn, ...] = ()
    """What a feed gave to this reader, and it no longer sees."""
    since: datetime | None = None
    """From when the reader of a feed goes on."""
    bundled: bool = False
    """It becomes a Bundle, into which the Consents under 42 CFR Part 2 go along."""


@dataclass(frozen=True, slots=True)
class Result:
    """What one interaction came to, after the commit: the released resources and what is said about them."""

    released: tuple[Released, ...] = ()
    total: int | None = None
    created: bool = False
    unchanged: bool = False
    absent: bool = False
    cursors: dict[str, str] = field(default_factory=dict)
    search: Search | None = None
    held: bool = False
    """The caller has the one version already, and on the same basis."""
    document: dict[str, Any] | None = None
    withdrawn: tuple[Withdrawn, ...] = ()
    since: datetime | None = None

    @property
    def one(self) -> Released:
        """The single resource of a read or a write."""
        return self.released[0]


def release(found: PendingResult, descendants: frozenset[UUID], grounds: Grounds, base: str) -> Result:
    """Turn candidates into released resources. The access service calls this after its commit, and nobody else.

    `base`: the FHIR service's address, under which a label names the Consent.
    """
    released = tuple(
        Released(
            _PROOF,
            c.row,
            c.mode,
            disclosed=c.row.custodian not in descendants,
            part=found.part,
            score=c.score,
            ground=grounds.get((c.row.id, c.row.version)),
            base=base,
            advice=c.advice,
        )
        for c in found.pending
    )
    for c in found.pending:
        if c.row.custodian not in descendants:
            measures.DISCLOSURES.labels(c.row.type).inc()
    return Result(
        released=released,
        total=found.total,
        created=found.created,
        unchanged=found.unchanged,
        absent=found.absent,
        cursors=found.cursors,
        search=found.search,
        held=found.known is not None and _held(found.known, released[0]),
        document=found.document,
        withdrawn=found.withdrawn,
        since=found.since,
    )


def _usable(row: Stored, body: bytes) -> bytes:
    """The body without contact data that may not be used. What is said of that counts for earlier versions as well:

    of a version that is superseded no contact data leaves.
    """
    superseded = row.type in contact.PERSONS and not row.current
    if row.deleted or not (superseded or contact.is_marked(body)):
        return body
    content = parse(body)
    kept = contact.usable(content, none=superseded)
    return body if kept is content else dump(marked(kept))


def _held(known: Known, one: Released) -> bool:
    return known(one.version, one.updated, one.basis)


def _labelled(row: Stored, ground: Ground | None, base: str) -> bytes:
    """The body with the label put into meta.security, at the place that the write remembered."""
    at, own = abs(row.label_at), row.label_at < 0
    if at == 0 or (own and ground is None):  # a deletion, or there is nothing to add to the custodian's own label
        return row.body
    opening = b"," if row.body[at : at + 1] == b"]" else b',"security":['
    closing = b"" if opening == b"," else b"]"
    plain = _COMPLY if own or (ground is not None and ground.redisclosable) else NO_REDISCLOSURE
    label = _pointing(ground, base, plain) if ground else plain
    return row.body[:at] + opening + label + closing + row.body[at:]


def _pointing(ground: Ground, base: str, label: bytes) -> bytes:
    """A label with the Consent and version under which a record leaves, and what that opens where the law asks."""
    artifact: dict[str, Any] = {
        "type": "justification",
        "resource": f"{base}/Consent/{ground.consent}/_history/{ground.version}",
    }
    if ground.scope is not None:
        artifact["display"] = f"{_PART2_NOTICE} The consent is {ground.scope}."
    extension = dump([{"url": RELATED_ARTIFACT, "valueRelatedArtifact": artifact}])
    return b'{"extension":' + extension + b"," + label[1:]
