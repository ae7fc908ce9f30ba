"""What both worlds hold before the caller asks: the same for its eyes, with hidden records between them.

Between any two visible writes there may be hidden ones in either world, so that they stand between the visible ones
in every order, under the same identifiers, and refer to them; and visible records refer to hidden ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from random import Random
from typing import Any

from assurance.noninterference import releases
from assurance.noninterference.draw import Body
from assurance.noninterference.moves import DIRECTORY, REFERRALS, RELEASED, Move, Moves, create, update
from assurance.noninterference.records import DRAWN, build, label
from assurance.noninterference.scene import BOTH, Scene
from assurance.noninterference.wire import Request

BIRTHDAYS = {"grown": "2008-11-20"}
"""Who comes of age soon after the worlds begin."""
HIDDEN_IN_BOTH = 6

SHIFTED = 6
"""Visible records with a version between that one of the worlds hides."""
VEILED = 4
"""Visible records with a version between that both worlds hide, of different content."""
REFERRING = 5
"""Hidden records of one world about the caller's own student, which refer to what the caller may delete."""
GONE = 5
"""Hidden records of each world that were deleted."""


class Settle:
    """Draws the moves that make the worlds. Each is to be played before the next is asked for."""

    def __init__(self, rng: Random, scene: Scene) -> None:
        self.rng = rng
        self.scene = scene
        self.moves = Moves(rng, scene)

    def all(self) -> Iterator[tuple[str, Move]]:
        """Visible moves, each with the name of the student that it makes (or ''), and hidden ones between them."""
        for name, move in self._visible():
            yield name, move
            for world in "AB":
                if self.rng.random() < 0.45 and (hidden := self._hidden(world)):
                    yield "", hidden

    def _hidden(self, world: str) -> Move | None:
        if not set(RELEASED) | {"own", "theirs", "payment", "expired"} <= self.scene.students.keys():
            return None
        return self.moves.hidden(world)

    def _visible(self) -> Iterator[tuple[str, Move]]:
        yield from self._directory()
        for name in RELEASED:
            yield from self._student(name, "holder")
        for name in ("payment", "expired"):
            yield from self._student(name, "holder")
        yield from self._student("own", "caller")
        yield from self._student("theirs", "other")
        yield "", self._consent("own", "caller", "holder", whole=True)
        yield "", self._alike(create("holder", self.moves.signed("first", "other", whole=True)), hidden=True)
        for _ in range(HIDDEN_IN_BOTH):
            yield "", self._in_both()
        yield from self._merged()
        yield from self._records()
        yield from self._releases()
        yield from self._of_the_caller()

    def _directory(self) -> Iterator[tuple[str, Move]]:
        for by in ("holder", "caller", "other", "stranger"):
            for kind in DIRECTORY:
                yield "", self._alike(create(by, self.moves.made(kind, by, BOTH)))

    def _student(self, name: str, by: str) -> Iterator[tuple[str, Move]]:
        patient = {**self.moves.made("Patient", by, BOTH), "birthDate": BIRTHDAYS.get(name, "2014-05-02")}
        patient.pop("link", None)
        yield name, self._alike(create(by, patient))
        person = build("RelatedPerson", self.rng, self.scene.pick(self.rng, by, student=self.scene.students[name]))
        yield "", self._alike(create(by, {**person, "active": True}))

    def _in_both(self) -> Move:
        """A hidden record of one id and two contents, which visible ones will refer to."""
        student = self.scene.students["first"]
        one, two = (
            create("holder", {**self.moves.coverable(student, BOTH, "Encounter"), "meta": label("SUD")}) for _ in "AB"
        )
        return Move((one,), (two,), True)

    def _merged(self) -> Iterator[tuple[str, Move]]:
        """Two visible Patients that are one student in world A alone: by a hidden one, which replaces both there."""
        first, second = (self.scene.students[part] for part in ("first", "second"))
        over = {**self.moves.made("Patient", "holder", BOTH), "link": [_link(first, "replaces")]}
        both = {**over, "link": [*over["link"], _link(second, "replaces")]}
        yield "", Move((create("holder", both),), (create("holder", over),), True)
        hidden = self.scene.of("Patient", by="holder", hidden=True)[-1]
        (record,) = (r for r in self.scene.of("Patient", by="holder") if r.id == first)
        linked = {**record.body, "link": [_link(hidden.id, "replaced-by")]}
        yield "", self._alike(update("holder", record, linked))

    def _records(self) -> Iterator[tuple[str, Move]]:
        secret = [r.id for r in self.scene.of("Encounter", by="holder", hidden=True)]
        for part in RELEASED:
            for kind in REFERRALS * 2:
                yield "", self._alike(create("holder", self.moves.coverable(self.scene.students[part], BOTH, kind)))
        for kind in ("Binary", *DRAWN):
            for part in ("first", "second"):
                yield "", self._alike(create("holder", self.moves.coverable(self.scene.students[part], BOTH, kind)))
        for of in secret:
            if self.scene.records.get(of) not in self.scene.of("Encounter"):
                continue  # gone from one of the worlds meanwhile
            body = self.moves.coverable(self.scene.students["first"], BOTH, "ServiceRequest")
            body.pop("meta", None)
            yield "", self._alike(create("holder", {**body, "encounter": {"reference": f"Encounter/{of}"}}))
        for part in ("first", "second"):
            student = self.scene.students[part]
            yield "", self._alike(create("holder", self.moves.task("holder", "caller", student)))

    def _releases(self) -> Iterator[tuple[str, Move]]:
        for part in ("first", "second", "third", "grown"):
            to = {"first": "caller", "second": "parent"}.get(part)
            yield "", self._alike(create("holder", self.moves.signed(part, to, whole=part == "first")))
        yield "", self._consent("payment", "holder", "caller", purpose="HPAYMT")
        yield "", self._consent("expired", "holder", "caller", end="2026-09-20")
        yield "", self._consent("theirs", "other", "caller")
        for kind in ("Encounter", "ServiceRequest", "Encounter"):
            body = self.moves.made(kind, "other", BOTH, self.scene.students["theirs"])
            yield "", self._alike(create("other", body))

    def _of_the_caller(self) -> Iterator[tuple[str, Move]]:
        for kind in ("ServiceRequest", "Encounter", "Encounter", "Group", "Consent", "Task"):
            for part in ("own", "first"):
                yield (
                    "",
                    self._alike(create("caller", self.moves.made(kind, "caller", BOTH, self.scene.students[part]))),
                )
        for kind in ("Encounter", "ServiceRequest", "Encounter"):  # nothing that is visible refers to these
            yield "", self._alike(create("caller", self.moves.made(kind, "caller", BOTH, self.scene.students["own"])))
        for kind in ("Patient", "ServiceRequest"):
            yield "", self._alike(create("branch", self.moves.made(kind, "branch", BOTH)))
        for draw in self._upon_these():
            if move := draw():
                yield "", move
        yield "", self._alike(Request("GET", "/fhir/Patient", "holder"))

    def _upon_these(self) -> Iterator[Callable[[], Move | None]]:
        """What is hidden among, behind and of the records that there are now."""
        yield from [self.moves.shifted] * SHIFTED
        yield from [self.moves.veiled] * VEILED
        yield from [partial(self.moves.on_the_callers, "A")] * REFERRING
        yield partial(self.moves.disclosed, "A")
        yield from [partial(self.moves.gone, world) for world in "AB" * GONE]

    def _consent(self, part: str, by: str, to: str, **more: Any) -> Move:
        ids, student = self.scene.organizations, self.scene.students[part]
        (signer,) = (r.id for r in self.scene.of("RelatedPerson", by=by) if r.student == student)
        body: Body = releases.release(self.rng, student, signer, ids[by], ids[to], **more)
        return self._alike(create(by, body))

    def _alike(self, request: Request, *, hidden: bool = False) -> Move:
        return Move((request,), (request,), hidden)


def _link(patient: str, kind: str) -> Body:
    return {"other": {"reference": f"Patient/{patient}"}, "type": kind}
