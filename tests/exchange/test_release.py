"""What leaves its custodian says that it goes no further: one label, beside its own.

42 CFR 2.32, 34 CFR 99.33.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from app.consent.codes import ACTOR_ROLE
from app.db.engine import Database
from app.db.rows import Stored
from app.exchange.release import RELATED_ARTIFACT, Released
from tests import build
from tests.scene import Scene, set_scene
from tests.world import BASE, open_world

SYSTEM = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
NO_REDISCLOSURE = {"system": SYSTEM, "code": "NORDSCLCD", "display": "no redisclosure without consent directive"}
COMPLY = {"system": SYSTEM, "code": "CPLYCD", "display": "comply with consent directive"}
OTHER = {"system": SYSTEM, "code": "PERSISTLABEL"}


@pytest_asyncio.fixture(scope="module")
async def scene(db: Database) -> AsyncIterator[Scene]:
    """A clinic that sees a student's visits by a release."""
    async with open_world(db) as world:
        yield await set_scene(world, "Encounter")


@pytest.mark.parametrize(("held", "leaving"), [
    ([], [NO_REDISCLOSURE]),
    ([OTHER], [OTHER, NO_REDISCLOSURE]),
    ([OTHER, NO_REDISCLOSURE], [OTHER, NO_REDISCLOSURE, COMPLY]),
    ([NO_REDISCLOSURE], [NO_REDISCLOSURE, COMPLY]),
])  # fmt: skip
async def test_a_record_leaves_with_the_label_once(
    scene: Scene, held: list[dict[str, Any]], leaving: list[dict[str, Any]]
) -> None:
    """The label that is added points to the Consent, in the version, under which the record leaves.

    Where the custodian has set the label itself, another one points there.
    """
    (consent,) = await scene.clinic.ids("/Consent")
    added = {"extension": [_pointer(consent, 1)], **leaving[-1]}
    leaving = [*leaving[:-1], added]
    meta = {"meta": {"security": held}} if held else {}
    made = await scene.district.create(build.encounter(scene.student, **meta))
    path = f"/Encounter/{made['id']}"
    for way in (path, f"{path}/_history/1"):
        left = (await scene.clinic.get(way)).json()
        assert left["meta"].pop("security") == leaving
        own = (await scene.district.get(way)).json()
        assert own["meta"].pop("security", []) == held
        assert left == own
    found = (await scene.clinic.get(f"/Encounter?_id={made['id']}")).json()["entry"]
    assert [e["resource"]["meta"]["security"] for e in found] == [leaving]


def _pointer(consent: str, version: int, **display: str) -> dict[str, Any]:
    artifact = {"type": "justification", "resource": f"{BASE}/fhir/Consent/{consent}/_history/{version}", **display}
    return {"url": RELATED_ARTIFACT, "valueRelatedArtifact": artifact}


async def test_the_pointer_follows_the_version_of_the_consent_and_a_read_links_to_it(scene: Scene) -> None:
    """A read of one's own, and of the directory, links to none."""
    found = await set_scene(scene.world, "Encounter")
    (consent,) = await found.clinic.ids("/Consent")
    held = (await found.district.get(f"/Consent/{consent}")).json()
    path = f"/Encounter/{found.records['Encounter']['id']}"
    for version in (1, 2):
        read = await found.clinic.get(path)
        (label,) = read.json()["meta"]["security"]
        assert label["extension"] == [_pointer(consent, version)]
        assert f"/fhir/Consent/{consent}/_history/{version}>" in read.headers["Link"]
        sooner = held["provision"] | {"period": held["provision"]["period"] | {"end": "2027-06-29"}}
        await found.district.save(held | {"provision": sooner})
    for member, own in ((found.district, path), (found.clinic, f"/Organization/{found.district.organization}")):
        assert "Link" not in (await member.get(own)).headers


async def test_under_part_2_an_explanation_of_the_consents_scope_goes_with_each_record(scene: Scene) -> None:
    """42 CFR 2.32: the notice, and for what, of what and until when. With a record of no such kind it does not."""
    found = await set_scene(scene.world)
    adult = await found.district.create(build.patient("adult", birthDate="2000-05-02"))
    part2 = {"system": SYSTEM, "code": "42CFRPart2"}
    visits = [
        await found.district.create(build.encounter(adult, **more)) for more in ({"meta": {"security": [part2]}}, {})
    ]
    exchange = {"role": {"coding": [{"system": ACTOR_ROLE, "code": "intermediary"}]}, "reference": {"display": "It"}}
    consent = build.consent(adult, adult, found.district.reference, found.clinic.reference, classes=("Encounter",))
    normal = {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "N"}
    consent["policy"] = [{"uri": "https://www.ecfr.gov/current/title-42/section-2.31"}]
    consent["provision"] |= {"securityLabel": [part2, normal], "actor": [*consent["provision"]["actor"], exchange]}
    made = await found.district.create(consent)
    scope = "for TREAT; of Encounter; labeled 42CFRPart2; until 2027-07-01 00:00"
    notice = "42 CFR part 2 prohibits unauthorized use or disclosure of these records."
    said = [{"display": f"{notice} The consent is {scope}."}, {}]
    entries = (await found.clinic.get("/Encounter")).json()["entry"]
    records = [e["resource"] for e in entries if e["search"]["mode"] == "match"]
    left = {r["id"]: r["meta"]["security"][-1]["extension"] for r in records}
    assert left == {v["id"]: [_pointer(made["id"], 1, **s)] for v, s in zip(visits, said, strict=True)}


async def test_what_leaves_under_a_hipaa_authorization_alone_may_be_passed_on_and_points_to_its_consent(
    scene: Scene,
) -> None:
    """45 CFR 164.508(c)(2)(iii). Under FERPA as well, it may not: 34 CFR 99.33."""
    hipaa, ferpa = (
        "https://www.ecfr.gov/current/title-45/section-164.508",
        "https://www.ecfr.gov/current/title-34/section-99.30",
    )
    for laws, code in (([hipaa], "CPLYCD"), ([hipaa, ferpa], "NORDSCLCD"), ([ferpa], "NORDSCLCD")):
        found = await set_scene(scene.world)
        visit = found.records["Encounter"]
        made = await found.release("Encounter", policy=[{"uri": law} for law in laws])
        for left in (
            (await found.clinic.get(f"/Encounter/{visit['id']}")).json(),
            (await found.clinic.get("/Encounter")).json()["entry"][0]["resource"],
        ):
            (label,) = left["meta"]["security"]
            assert (label["code"], label["extension"]) == (code, [_pointer(made["id"], 1)])


async def test_of_several_consents_the_label_names_the_earliest_that_has_effect(scene: Scene) -> None:
    found = await set_scene(scene.world)
    visit = found.records["Encounter"]
    days = {
        day: (await found.release("Encounter", provision={"period": {"start": day, "end": "2027-06-30"}}))["id"]
        for day in ("2026-11-01", "2026-10-02", "2026-10-03")
    }
    for day in sorted(days):
        (label,) = (await found.clinic.get(f"/Encounter/{visit['id']}")).json()["meta"]["security"]
        (listed,) = (await found.clinic.get("/Encounter")).json()["entry"]
        assert [label] == listed["resource"]["meta"]["security"]
        assert label["extension"] == [_pointer(days[day], 1)]
        held = (await found.district.get(f"/Consent/{days[day]}")).json()
        await found.district.save(held | {"status": "inactive"})


def test_nothing_but_the_access_service_makes_what_can_leave() -> None:
    row: Any = Stored._make([None] * len(Stored._fields))
    with pytest.raises(TypeError, match=r"^only the access service releases$"):
        Released(object(), row, "match", disclosed=False)
