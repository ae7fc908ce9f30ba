"""The district pushes its roster, twice. https://hl7.org/fhir/R4/http.html#cond-update"""

from __future__ import annotations

import asyncio
import io

from rich.console import Console

from app.demo.api import reference
from app.demo.families import Family, find_family, full_name
from app.demo.steps.scene import Scene
from app.intake.command import ALL_WELL, Job, run
from app.intake.edfi.reader import EdFi
from app.intake.edfi.xml import records

LINES = 20
"""Of the import's own words, how many are shown, from the last."""
TYPES = ("Organization", "Patient", "RelatedPerson")


async def push(scene: Scene) -> Family:
    """Steps 1 and 2; answers the family that the rest is about."""
    t = scene.telling
    t.step("1. The district pushes its roster")
    t.say(f"{scene.district.member.name} runs `hallpass import edfi` on its student information system's files.")
    first = await _import(scene)
    versions = await _versions(scene)
    students = sum(1 for kind in versions if kind.startswith("Patient/"))
    sent = sum(1 for name, _ in records(scene.roster / "Student.xml") if name == "Student")
    t.hold(f"Every student of the files is stored: {students} of {sent}.", first and students == sent)

    t.step("2. It pushes the same roster again")
    again = await _import(scene)
    t.hold("Nothing got a new version.", again and await _versions(scene) == versions)
    family = await find_family(scene.district)
    history = await scene.search(scene.district, f"{reference(family.student)}/_history")
    t.hold("The history of a student has one entry.", history["total"] == 1, history["total"])
    t.say(f"This is about {full_name(family.student)}; {full_name(family.signer)} may sign.")
    for resource in (family.student, *family.contacts):
        scene.remember(resource)
    await scene.strangers_see_nothing()
    return family


async def _import(scene: Scene) -> bool:
    """Run the import as its command does; show its table. False where a record was refused."""
    words = Console(file=io.StringIO(), width=100)
    member, url = scene.district.member, scene.stage.settings.base_url
    job = Job(EdFi(scene.roster), url, member.part.client, member.key)
    status = await asyncio.to_thread(run, job, console=words)
    assert isinstance(words.file, io.StringIO)
    scene.telling.detail([line for line in words.file.getvalue().splitlines() if line.strip()][-LINES:])
    return status == ALL_WELL


async def _versions(scene: Scene) -> dict[str, str]:
    """Each reference of the roster with its version and moment."""
    found: dict[str, str] = {}
    for kind in TYPES:
        async for resource in scene.district.every(f"{kind}?_count=500"):
            meta = resource["meta"]
            found[reference(resource)] = f"{meta['versionId']} {meta['lastUpdated']}"
    return found
