"""`hallpass demo`: the story of one referral, told against a fresh server, over real HTTP with real tokens.

Each step says what is done, what came back and what has to be so. The first difference ends it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import httpx
from rich.console import Console

from app.demo.api import Api, Unexpected
from app.demo.listener import listening
from app.demo.members import AGREEMENTS, CLINIC, DISTRICT, PARTS, Part, agree, enroll
from app.demo.stage import Stage, fresh_stage
from app.demo.steps import child, delivery, loop, notification, record, referral, release, revocation, roster
from app.demo.steps.scene import Scene
from app.demo.telling import Difference, Telling
from app.errors import HallpassError
from app.intake.edfi.generate import generate

GRAND_BEND = Path(__file__).parents[3] / "shared" / "data" / "edfi-grand-bend"
STUDENTS = 40
AS_TOLD, OTHERWISE = 0, 1


def run(folder: Path | None, console: Console, picture: Path | None = None) -> int:
    """Tell the story of a district's Ed-Fi folder, by default Grand Bend's where it is; answer the exit status."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that what was started is ended
    return asyncio.run(_run(folder, console, picture))


async def _run(folder: Path | None, console: Console, picture: Path | None) -> int:
    async with fresh_stage(os.environ.get("DATABASE_URL")) as stage:
        return await tell(stage, folder, Telling(console), picture=picture)


async def tell(
    stage: Stage,
    folder: Path | None,
    telling: Telling,
    agreements: Sequence[tuple[Part, Part]] = AGREEMENTS,
    picture: Path | None = None,
) -> int:
    """Tell the story on a stage, between members with these agreements; answer 0, or 1 at the first difference."""
    try:
        async with httpx.AsyncClient(timeout=60) as http:
            await _steps(replace(await _scene(stage, folder, telling, http, agreements), picture=picture))
    except (Difference, Unexpected, HallpassError, httpx.HTTPError) as e:
        telling.failed(f"{e}" or type(e).__name__)
        telling.detail(stage.faults())
        return OTHERWISE
    telling.step("All of it is as it should be.")
    return AS_TOLD


async def _scene(
    stage: Stage,
    folder: Path | None,
    telling: Telling,
    http: httpx.AsyncClient,
    agreements: Sequence[tuple[Part, Part]],
) -> Scene:
    telling.step(f"A fresh server is at {stage.settings.base_url}")
    members = {part: await enroll(stage.owner, stage.settings, stage.folder / "keys", part) for part in PARTS}
    await agree(stage.owner, stage.settings, members, agreements)
    for member in members.values():
        telling.say(f"{member.name} is a member, and its program's key is registered.")
    apis = {part: Api(http, stage.settings.base_url, member) for part, member in members.items()}
    strangers = tuple(api for part, api in apis.items() if part not in (DISTRICT, CLINIC))
    return Scene(stage, telling, apis[DISTRICT], apis[CLINIC], strangers, _roster(folder, stage.folder, telling))


def _roster(folder: Path | None, own: Path, telling: Telling) -> Path:
    """The folder that was given, Grand Bend's, or a generated one."""
    if folder or GRAND_BEND.is_dir():
        return folder or GRAND_BEND
    telling.say(f"There is no roster here, so one of {STUDENTS} students is made up.")
    generate(own / "roster", STUDENTS)
    return own / "roster"


async def _steps(scene: Scene) -> None:
    """All steps. The eighth is in each of them: strangers see nothing."""
    family = await roster.push(scene)
    referrals = await referral.refer(scene, family)
    async with listening() as listener:
        subscribed = await notification.subscribe(scene, listener)
        signed = await release.sign(scene, family, referrals)
        task = await release.appear(scene, family, referrals)
        await notification.come(scene, listener, referrals, subscribed)
    visit = await delivery.deliver(scene, family, referrals.request, task, signed)
    declined = await loop.decline(scene, family, referrals)
    scene.telling.step("8. A second district and a second clinic")
    await scene.strangers_see_nothing()
    scene.telling.say("So it was after each step before, and so it is after each step that follows.")
    given = await revocation.revoke(scene, family, referrals.request, task, signed, visit)
    await record.account(scene, family, (signed, declined), visit, given)
    await child.tell(scene)
    await loop.report(scene)
    await scene.strangers_see_nothing()
