"""The prover: random sequences of the caller's requests in two worlds, and the smallest one that tells them apart."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from tests.prove.asks import Asks
from tests.prove.moves import Move, Moves
from tests.prove.pair import Difference, Pair
from tests.prove.queries import require_controls
from tests.prove.records import Body, require_builders
from tests.prove.scene import Scene, Step
from tests.prove.settle import Settle
from tests.prove.shrink import shrunk
from tests.prove.side import Heard, Side
from tests.prove.vocabulary import Vocabulary

STEPS = 9
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
    found: Found | None = None


class Diverged(Exception):
    """Another member's visible write came out differently in the two worlds: what follows is no longer comparable."""


class Prover:
    """Runs sequences over one pair of worlds."""

    def __init__(self, pair: Pair, seed: int) -> None:
        require_builders()
        require_controls()
        self.pair = pair
        self.seed = seed
        self.rng = Random(seed)  # noqa: S311 - reproducible on purpose
        self.asks = Asks(pair.a.app, self.rng, pair.network.keys, pair.network.tokens)
        self.start = Scene(organizations=dict(pair.network.organizations))
        self.report = Report()

    async def settle(self) -> None:
        """Make the worlds, and start every sequence from there."""
        scene = self.start
        for number, (name, move) in enumerate(Settle(self.rng, scene).all()):
            step = self._step(scene, f"settle {self.seed}.{number}", move)
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
        self.asks.queries.vocabulary = Vocabulary(bodies)

    def _share(self, scene: Scene) -> None:
        """Who may refer to whose records: those whom a release of the settled worlds opens them to."""
        first, own = scene.students.get("first"), scene.students.get("own")
        of_first = frozenset(r.id for r in scene.of("Patient", "ServiceRequest", by="holder") if r.student == first)
        scene.shares = {
            "other": of_first,
            "caller": frozenset({first} if first else ()),
            "holder": frozenset({own} if own else ()),
        }

    async def run(self, examples: int, *, told: Callable[[int], None] = lambda _: None) -> Report:
        """Run sequences until one tells the worlds apart, or there are `examples`."""
        for number in range(examples):
            seed = f"{self.seed}/{number}"
            self.rng.seed(seed)
            found = await self._sequence(seed)
            self.report.sequences += 1
            if found:
                self.report.found = found
                break
            told(number + 1)
        self.report.missing = self.asks.missing()
        return self.report

    async def _sequence(self, seed: str) -> Found | None:
        await self.pair.restore()
        scene = self.asks.scene = self.start.copy()
        steps: list[Step] = []
        for number in range(self.rng.randrange(4, STEPS + 6)):
            label = f"{seed}.{number}"
            kind = self.rng.choices(list(MIX), list(MIX.values()))[0]
            move = None if kind == "ask" else self._move(scene, kind)
            if move is None:
                request = self.asks.draw()
                step = Step(label, scene.seconds, (request,), (request,), True)
            else:
                step = self._step(scene, label, move)
            steps.append(step)
            played = await self.pair.play(step)
            if played.difference:
                small = await shrunk(self.pair.replay, steps)
                return Found(seed, await self.pair.replay(small) or played.difference, small)
            if move is None:
                self._heard(scene, step, played.a)
            elif not self._record(scene, move, played.a, played.b):
                self.report.others["diverged"] += 1
                break
        return None

    def _move(self, scene: Scene, kind: str) -> Move | None:
        moves = Moves(self.rng, scene)
        return moves.visible() if kind == "visible" else moves.hidden(self.rng.choice("AB"))

    def _step(self, scene: Scene, label: str, move: Move) -> Step:
        scene.seconds += move.seconds
        return Step(label, scene.seconds, move.a, move.b, False)

    def _heard(self, scene: Scene, step: Step, heard: Heard | None) -> None:
        assert heard is not None
        self.report.asked += 1
        self.report.answers[f"{step.a[0].method} {heard.raw.status}"] += 1
        if heard.raw.body.startswith(b'{"resourceType":"Bundle"') and b'"entry":[' in heard.raw.body:
            self.report.answers["with entries"] += 1
        scene.learn(heard.raw)
        if step.a[0].method in ("POST", "PUT"):
            scene.add("caller", "AB", heard.raw)

    def _record(self, scene: Scene, move: Move, a: Heard | None, b: Heard | None) -> bool:
        """Take in what others did; False when a visible move was not the same in both worlds."""
        alike = a is not None and b is not None
        if alike and (a.raw.status, len(move.a) and True) != (b.raw.status, len(move.b) and True):  # type: ignore[union-attr]
            return False
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
        left = record.worlds.replace(world, "") if record else ""
        if record and left:
            scene.records[id_] = type(record)(record.id, record.type, record.by, left, record.hidden, record.body, record.student)


async def _bodies(side: Side) -> list[Body]:
    engine = create_async_engine(side.db.owner)
    async with engine.connect() as connection:
        rows = await connection.execute(text("SELECT body FROM hallpass.resource WHERE NOT deleted"))
        found = [json.loads(row.body) for row in rows]
    await engine.dispose()
    return found
