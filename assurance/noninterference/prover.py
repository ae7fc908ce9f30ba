"""The prover: random sequences of the caller's requests in two worlds, and the smallest one that tells them apart."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import Random

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from assurance.noninterference.asks import Asks, Draw
from assurance.noninterference.audit_events import require_audited
from assurance.noninterference.draw import Body
from assurance.noninterference.moves import Move, Moves
from assurance.noninterference.pair import Difference, Pair
from assurance.noninterference.queries import require_controls
from assurance.noninterference.scene import BOTH, Scene, Step
from assurance.noninterference.settle import Settle
from assurance.noninterference.shrink import shrunk
from assurance.noninterference.side import Heard, Side
from assurance.noninterference.vocabulary import Vocabulary
from assurance.noninterference.wire import Request

STEPS = (4, 14)
"""Of a random sequence, at least and below how many."""
SWEPT = 25
"""Requests of one sequence of the sweep, by which everything is asked once."""
TRIES = 5
MIX = {"ask": 70, "visible": 10, "hidden": 20}
"""Of a hundred steps, how many are the caller's, and how many of others are to be seen by it or not."""


@dataclass
class Found:
    """A difference, and the smallest sequence that shows it."""

    seed: str
    difference: Difference
    steps: list[Step]

    def __str__(self) -> str:
        told = "\n".join(f"{n}. {step}" for n, step in enumerate(self.steps, 1))
        return f"The worlds can be told apart ({self.seed}).\n{told}\n\n{self.difference}"


@dataclass
class Report:
    """What a run came to."""

    sequences: int = 0
    asked: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    others: Counter[str] = field(default_factory=Counter)
    missing: list[str] = field(default_factory=list)
    """What was drawn again and again, and never understood."""
    found: Found | None = None


class Prover:
    """Runs sequences over one pair of worlds."""

    def __init__(self, pair: Pair, seed: int, *, shrinking: bool = True) -> None:
        require_controls()
        require_audited()
        self.pair = pair
        self.seed = seed
        self.shrinking = shrinking
        self.rng = Random(seed)
        self.asks = Asks(pair.a.app, self.rng, pair.network.keys, pair.network.tokens)
        self.start = Scene(organizations=dict(pair.network.organizations))
        self.report = Report()

    async def settle(self) -> None:
        """Make the worlds, and start every sequence from there."""
        scene = self.start
        for number, (name, move) in enumerate(Settle(self.rng, scene).all()):
            step = self._of(scene, f"settle {self.seed}.{number}", move)
            played = await self.pair.play(step)
            for heard in (played.a, played.b):
                assert heard is None or not move.a or not move.b or heard.raw.status < 300, f"{step}\n{heard.raw}"
            self._record(scene, move, played.a, played.b)
            if name:
                assert played.a is not None
                scene.students[name] = json.loads(played.a.raw.body)["id"]
            self._share(scene)
        await self.pair.remember()
        bodies = [b for side in (self.pair.a, self.pair.b) for b in await _bodies(side)]
        self.asks.queries.learn(Vocabulary(bodies))

    def _share(self, scene: Scene) -> None:
        """Who may refer to whose records: those whom a release of the precomputed worlds opens them to."""
        first, own = scene.students.get("first"), scene.students.get("own")
        plain = [r for r in scene.of("Patient", "ServiceRequest", by="holder", hidden=False) if r.student == first]
        of_first = frozenset(r.id for r in plain if "security" not in r.body.get("meta", {}))
        filed = [r for r in scene.of("ServiceRequest", "Encounter", by="caller", hidden=False) if r.student == own]
        scene.shares = {
            "other": of_first,
            "caller": frozenset({first} if first else ()),
            "holder": frozenset({own, *(r.id for r in filed)} if own else ()),
        }

    async def run(self, examples: int) -> Report:
        """Ask everything that there is to ask once, and then sequences until `examples`, or until the worlds differ."""
        self.rng.seed(self.seed)
        self.asks.scene = self.start
        every = list(self.asks.sweep())
        for number in range(0, len(every), SWEPT):
            if await self._sequence(f"{self.seed}/sweep {number}", every[number : number + SWEPT]):
                return self.report
        for number in range(examples):
            self.rng.seed(f"{self.seed}/{number}")
            if await self._sequence(f"{self.seed}/{number}"):
                break
            self.report.sequences += 1
        return self.report

    async def _sequence(self, seed: str, draws: Sequence[Draw] = ()) -> bool:
        """Play one sequence from the start: these requests, or random steps. True when the worlds differ."""
        await self.pair.restore()
        scene = self.asks.scene = self.start.copy()
        steps: list[Step] = []
        for number in range(len(draws) or self.rng.randrange(*STEPS)):
            label = f"{seed}.{number}"
            more = (
                await self._swept(scene, steps, label, draws[number])
                if draws
                else await self._step(scene, steps, label)
            )
            if self.report.found is not None or not more:
                break
        return self.report.found is not None

    async def _swept(self, scene: Scene, steps: list[Step], label: str, draw: Draw) -> bool:
        """Ask until it is understood; what never is, is out of reach."""
        for again in range(TRIES):
            request = draw()
            heard = await self._ask(scene, steps, f"{label}.{again}", request)
            if heard is None or heard.raw.status != 400 or "fhir" not in request.path:
                return heard is not None
        self.report.missing.append(str(request))
        return True

    async def _step(self, scene: Scene, steps: list[Step], label: str) -> bool:
        """One random step; False when what follows cannot be compared."""
        (kind,) = self.rng.choices(list(MIX), list(MIX.values()))
        moves = Moves(self.rng, scene)
        move = None
        if kind != "ask":
            move = moves.visible() if kind == "visible" else moves.hidden(self.rng.choice("AB"))
        if move is None:
            return await self._ask(scene, steps, label, self.asks.draw()) is not None
        steps.append(self._of(scene, label, move))
        played = await self.pair.play(steps[-1])
        return self._record(scene, move, played.a, played.b)

    async def _ask(self, scene: Scene, steps: list[Step], label: str, request: Request) -> Heard | None:
        """The caller's request; None when the answers differ, and then the report has it."""
        steps.append(Step(label, scene.seconds, (request,), (request,), True))
        played = await self.pair.play(steps[-1])
        assert played.a is not None
        if played.difference:
            await self._tell(label, played.difference, steps)
            return None
        self._heard(scene, request, played.a)
        return played.a

    async def _tell(self, label: str, difference: Difference, steps: list[Step]) -> None:
        small = await shrunk(self.pair.replay, steps) if self.shrinking else steps
        again = await self.pair.replay(small) if self.shrinking else None
        self.report.found = Found(label, again or difference, small)

    def _of(self, scene: Scene, label: str, move: Move) -> Step:
        scene.seconds += move.seconds
        return Step(label, scene.seconds, move.a, move.b, False)

    def _heard(self, scene: Scene, request: Request, heard: Heard) -> None:
        self.report.asked += 1
        self.report.answers[f"{request.method} {heard.raw.status}"] += 1
        if heard.raw.body.startswith(b'{"resourceType":"Bundle"') and b'"entry":[' in heard.raw.body:
            self.report.answers["with entries"] += 1
        scene.learn(heard.raw, self.pair.a.names)
        if request.method in ("POST", "PUT", "PATCH"):
            scene.add("caller", BOTH, heard.raw)

    def _record(self, scene: Scene, move: Move, a: Heard | None, b: Heard | None) -> bool:
        """Take in what others did; False when a visible move was not the same in both worlds."""
        alike = bool(a and b)
        if a and b and a.raw.status != b.raw.status:
            self.report.others["diverged"] += 1
            return False
        if alike and not move.hidden and move.a != move.b:
            among = scene.veiled if len(move.a) == len(move.b) else scene.shifted
            among.append(move.a[-1].path.rpartition("/")[2])
        for world, heard, requests in (("A", a, move.a), ("B", b, move.b)):
            if heard is None:
                continue
            request = requests[-1]
            self.report.others[f"{'hidden' if move.hidden else 'visible'} {heard.raw.status // 100}xx"] += 1
            if heard.raw.status == 204 and request.method == "DELETE":
                self._lost(scene, request.path.rpartition("/")[2], world)
            elif request.client and request.method != "GET":
                scene.add(request.client, "AB" if alike else world, heard.raw, hidden=move.hidden)
        return True

    def _lost(self, scene: Scene, id_: str, world: str) -> None:
        record = scene.records.pop(id_, None)
        if record is None:
            return
        scene.gone.append(record)
        if left := record.worlds.replace(world, ""):
            scene.records[id_] = replace(record, worlds=left)


async def _bodies(side: Side) -> list[Body]:
    engine = create_async_engine(side.db.owner)
    async with engine.connect() as connection:
        rows = await connection.execute(text("SELECT body FROM hallpass.resource WHERE NOT deleted"))
        found = [json.loads(row.body) for row in rows]
    await engine.dispose()
    return found
