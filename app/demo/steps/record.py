"""The student's record of disclosures, as a district prints it for a parent.
https://www.ecfr.gov/current/title-34/section-99.32
"""

from __future__ import annotations

import csv

from app.demo.api import Api, Json, reference
from app.demo.families import Family
from app.demo.steps.scene import Scene

Row = dict[str, str]
RELEASED = {"Patient", "RelatedPerson", "ServiceRequest", "Task"}
"""The types that the district's release opened; the Task since its referral was."""


async def account(scene: Scene, family: Family, signed: tuple[Json, ...], visit: Json, at_its_end: list[Row]) -> None:
    """Step 10. `at_its_end` is what the record had under the release when that ended."""
    t, clinic = scene.telling, scene.clinic.member
    t.step("10. The district prints the student's record of disclosures")
    rows = await _rows(scene.district, f"{reference(family.student)}/$disclosures?_format=csv&_count=500")
    t.detail(map(_line, rows))
    t.hold("Each line says when, what, from whom, to whom, by whose program, why and how.", all(map(_full, rows)))
    t.hold("Nothing went to anybody but the clinic.", {_name(r["to"]) for r in rows} == {clinic.name})
    under = [r for r in rows if r["basis"] == "release"]
    t.hold("It says what the clinic received under the release.", {_type(r) for r in under} == RELEASED)
    cited = {r["release"] for r in under}
    t.hold(
        "Each of these lines names its release and the version.",
        cited == {f"{reference(release)} version 1" for release in signed},
        cited,
    )
    t.hold("Nothing was added to them since the release ended.", under == at_its_end)

    t.say(f"{clinic.name} accounts in its turn for what it gave to {scene.district.member.name}:")
    own = f"{scene.district.member.reference['reference']}/$disclosures?_format=csv&basis=release"
    returned = await _rows(scene.clinic, own)
    t.detail(map(_line, returned))
    t.hold("The Encounter, under its own release.", {r["what"] for r in returned} == {f"{reference(visit)} version 1"})


async def released(scene: Scene, family: Family) -> list[Row]:
    """What the student's record has under a release by now."""
    path = f"{reference(family.student)}/$disclosures?_format=csv&_count=500&basis=release"
    return await _rows(scene.district, path)


async def _rows(holder: Api, path: str) -> list[Row]:
    return list(csv.DictReader(await holder.text(path)))


def _line(row: Row) -> str:
    basis = row["release"] or row["basis"]
    to = f"to {_name(row['to'])} ({row['client']})"
    return f"{row['when']}  {row['what']}  {to}  for {row['why']}, by {row['how']}, basis: {basis}"


def _name(organization: str) -> str:
    """A name without the id behind it."""
    return organization.rpartition(" (")[0]


def _type(row: Row) -> str:
    return row["what"].partition("/")[0]


def _full(row: Row) -> bool:
    return all(row[name] for name in ("when", "what", "from", "to", "client", "why", "how", "basis"))
