"""What a page of the office takes of the server, beside an answer that asks nothing: under 100 ms, and 100 kB.

Of the processor's time of this process, so that what else the machine does falls on neither; the wall's is printed.
"""

from __future__ import annotations

import time
from statistics import median

import pytest

from tests import build
from tests.office.people import Person, signed_in
from tests.office.test_caseload import addresses
from tests.scene import Scene, set_scene
from tests.world import World

MOST_SECONDS = 0.1
MOST_BYTES = 100_000
CONTROL = "/office/office.css"
ROUNDS = 5
RELEASES = 10


async def taken(person: Person, path: str) -> tuple[float, float, int]:
    """The median of the processor's and of the wall's seconds, and the bytes."""
    spent, waited, size = [], [], 0
    for _ in range(ROUNDS):
        processor, wall = time.process_time(), time.perf_counter()
        answer = await person.get(path)
        spent.append(time.process_time() - processor)
        waited.append(time.perf_counter() - wall)
        size = len(answer.content)
        assert answer.status_code in (200, 403, 404), path
    return median(spent), median(waited), size


async def filled(world: World) -> Scene:
    """A student with more to show than most."""
    scene = await set_scene(world, "Patient", "ServiceRequest")
    for _ in range(RELEASES):
        await scene.release("Patient", "ServiceRequest", "Encounter")
        await scene.district.create(build.encounter(scene.student))
    parties = scene.district.reference, scene.clinic.reference
    scene.records["Task"] = await scene.district.create(
        build.task(scene.student, scene.records["ServiceRequest"], *parties)
    )
    await scene.clinic.ids("/ServiceRequest?_include=ServiceRequest:patient")
    return scene


@pytest.mark.parametrize("role", ["privacy-officer", "counselor"])
async def test_a_page_takes_less_than_a_tenth_of_a_second_of_the_server_more_than_nothing_does(
    world: World, role: str
) -> None:
    scene = await filled(world)
    person = await signed_in(world, scene.district, role)
    idle, _, _ = await taken(person, CONTROL)
    for path in addresses(scene.records):
        if path.endswith("/pdf"):
            continue  # a file, made within two seconds or refused
        spent, waited, size = await taken(person, path)
        print(f"{role:16} {spent * 1000:6.1f} ms of {waited * 1000:6.1f} (idle {idle * 1000:.1f}) {size:6} B {path}")
        assert spent - idle < MOST_SECONDS, path
        assert size < MOST_BYTES, path
