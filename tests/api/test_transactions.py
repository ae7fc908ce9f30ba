"""What a transaction makes of links and of deletions, in whichever order its entries come.

https://hl7.org/fhir/R4/http.html#trules and https://hl7.org/fhir/R4/bundle.html#references
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import permutations
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from sqlalchemy import URL

from app.db.engine import Database
from tests import build
from tests.api.asking import key, patient, refused
from tests.api.test_bundles import bundle, entry, statuses, stored
from tests.scene import Scene, group
from tests.world import BASE, Member, World, open_world

OTHER = "http://sis.example/r4"
OURS = f"{BASE}/fhir"


@pytest_asyncio.fixture(scope="module")
async def world(database: URL) -> AsyncIterator[World]:
    """A server on which a condition may delete several."""
    async with open_world(Database(database), max_deletes=3) as found:
        yield found


@pytest_asyncio.fixture(scope="module")
async def district(world: World) -> Member:
    """One member for all: each test makes students of its own."""
    return await world.member("District")


def visit(student: str, **more: Any) -> dict[str, Any]:
    """An Encounter about the student of this reference."""
    return build.encounter({"resourceType": "Patient", "id": "x"}, subject={"reference": student}, **more)


# Links ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("origin", [OTHER, OURS])
@pytest.mark.parametrize("link", ["Patient/p1", "{}/Patient/p1", "Patient/p1/_history/7", "{}/Patient/p1/_history/7"])
async def test_an_export_of_any_server_is_taken_with_its_own_ids(district: Member, origin: str, link: str) -> None:
    link = link.format(origin)
    child = {**patient(), "id": "p1"}
    entries = [
        entry("POST", "Encounter", {**visit(link), "id": "e1"}, full_url=f"{origin}/Encounter/e1"),
        entry("POST", "Patient", child, full_url=f"{origin}/Patient/p1"),
    ]
    answer = await district.post("", bundle("transaction", *entries))
    assert statuses(answer) == ["201", "201"]
    made = (await district.get(f"/{stored(answer, 0)}")).json()
    assert made["subject"]["reference"] == stored(answer, 1)
    assert "p1" not in stored(answer, 1)


@pytest.mark.parametrize("origin", [OTHER, OURS])
async def test_a_conditional_put_of_an_export_creates_once_and_then_updates(district: Member, origin: str) -> None:
    child = {**patient(), "id": "p1"}
    entries = [
        entry("PUT", f"Patient?{key(child)}", child, full_url=f"{origin}/Patient/p1"),
        entry("POST", "Encounter", visit("Patient/p1"), full_url=f"{origin}/Encounter/e1"),
    ]
    first = await district.post("", bundle("transaction", *entries))
    assert statuses(first) == ["201", "201"]
    again = await district.post("", bundle("transaction", *entries))
    assert statuses(again) == ["200", "201"]
    assert stored(first, 0) == stored(again, 0)
    made = (await district.get(f"/{stored(again, 1)}")).json()
    assert made["subject"]["reference"] == stored(first, 0)


async def test_what_is_put_by_its_id_is_found_by_its_full_url_too(district: Member) -> None:
    held = await district.create(patient())
    full_url = f"{OTHER}/Patient/p1"
    entries = [
        entry("PUT", f"Patient/{held['id']}", {**held, "active": True}, full_url=full_url),
        entry("POST", "Encounter", visit("Patient/p1"), full_url=f"{OTHER}/Encounter/e1"),
    ]
    answer = await district.post("", bundle("transaction", *entries))
    assert statuses(answer) == ["200", "201"]
    made = (await district.get(f"/{stored(answer, 1)}")).json()
    assert made["subject"]["reference"] == f"Patient/{held['id']}"


async def test_a_full_url_is_replaced_in_urls_and_in_the_links_of_narratives(district: Member) -> None:
    child = f"urn:uuid:{uuid4()}"
    div = f'<div xmlns="http://www.w3.org/1999/xhtml">Visit of <a href="{child}">a student</a></div>'
    sent = visit(
        child,
        text={"status": "additional", "div": div},
        extension=[{"url": "urn:test:about", "valueUri": child}, {"url": "urn:test:at", "valueUrl": child}],
    )
    entries = [entry("POST", "Encounter", sent), entry("POST", "Patient", patient(), full_url=child)]
    answer = await district.post("", bundle("transaction", *entries))
    assert statuses(answer) == ["201", "201"]
    made = (await district.get(f"/{stored(answer, 0)}")).json()
    student = stored(answer, 1)
    assert [e.get("valueUri", e.get("valueUrl")) for e in made["extension"]] == [student, student]
    assert made["text"]["div"] == div.replace(child, student)


async def test_a_relative_link_to_nothing_in_the_bundle_is_refused_by_its_place(district: Member) -> None:
    entries = [
        entry("POST", "Patient", patient(), full_url=f"{OTHER}/Patient/p1"),
        entry("POST", "Encounter", visit("Patient/p2"), full_url=f"{OTHER}/Encounter/e1"),
    ]
    answer = await district.post("", bundle("transaction", *entries))
    refused(answer, 422, None, "Bundle.entry[1].resource.subject")


# Deletions ------------------------------------------------------------------------------------------------------------


async def test_a_record_and_what_it_refers_to_are_deleted_together_in_any_order(district: Member) -> None:
    for order in permutations(range(4)):
        child = await district.create(patient())
        mother = await district.create(build.guardian(child))
        seen = await district.create(build.encounter(child, participant=[{"individual": build.ref(mother)}]))
        to_delete = [child, mother, seen, await district.create(group(child))]
        urls = [f"{r['resourceType']}/{r['id']}" for r in to_delete]
        answer = await district.post("", bundle("transaction", *(entry("DELETE", urls[n]) for n in order)))
        assert statuses(answer) == ["204"] * 4
        assert [(await district.get(f"/{url}")).status_code for url in urls] == [410] * 4


async def test_a_record_is_deleted_with_the_change_that_takes_the_last_reference_away(district: Member) -> None:
    child = await district.create(patient())
    mother = await district.create(build.guardian(child))
    seen = await district.create(build.encounter(child, participant=[{"individual": build.ref(mother)}]))
    url = f"Encounter/{seen['id']}"
    kept = entry("PUT", url, {**seen, "status": "cancelled"})
    gone = entry("PUT", url, {k: v for k, v in seen.items() if k != "participant"})
    removed = entry("DELETE", f"RelatedPerson/{mother['id']}")
    answer = await district.post("", bundle("transaction", kept, removed))
    refused(answer, 409, "conflict", "Bundle.entry[1]")
    assert statuses(await district.post("", bundle("transaction", gone, removed))) == ["200", "204"]


async def test_a_conditional_delete_takes_what_refers_to_each_other(district: Member) -> None:
    child = await district.create(patient())
    one = await district.create(build.encounter(child))
    await district.create(build.encounter(child, partOf=build.ref(one)))
    condition = f"Encounter?subject=Patient/{child['id']}"
    assert (await district.delete(f"/{condition}")).status_code == 204
    two = await district.create(build.encounter(child))
    await district.create(build.encounter(child, partOf=build.ref(two)))
    answer = await district.post(
        "", bundle("transaction", entry("DELETE", condition), entry("DELETE", f"Patient/{child['id']}"))
    )
    assert statuses(answer) == ["204", "204"]


async def test_organizations_are_deleted_with_those_below_them_in_any_order(world: World) -> None:
    district = await world.member("District")
    for order in permutations(range(3)):
        above, urls = district.reference, []
        for name in ("Region", "School", "Clinic"):
            made = await district.create({"resourceType": "Organization", "name": name, "partOf": above})
            above = build.ref(made)
            urls.append(above["reference"])
        answer = await district.post("", bundle("transaction", *(entry("DELETE", urls[n]) for n in order)))
        assert statuses(answer) == ["204"] * 3


def referrers(child: dict[str, Any], worker: dict[str, Any], place: dict[str, Any]) -> list[dict[str, Any]]:
    """One resource for each way of referring: by the student, by a class, by a link, in the directory, in a part."""
    seen = build.ref(worker)
    return [
        build.encounter(child, participant=[{"individual": seen}]),
        patient(generalPractitioner=[seen]),
        patient(link=[{"other": build.ref(child), "type": "seealso"}]),
        group(child),
        {"resourceType": "PractitionerRole", "practitioner": seen},
        build.encounter(child, hospitalization={"origin": build.ref(place)}),
        build.encounter(child, extension=[{"url": "urn:test:by", "valueReference": seen}]),
    ]


@pytest.mark.parametrize("n", range(7))
async def test_what_a_resource_refers_to_in_whichever_element_is_not_deleted_before_it(
    district: Member, n: int
) -> None:
    child = await district.create(patient())
    worker = await district.create({"resourceType": "Practitioner", "name": [{"family": "Okoro"}]})
    place = await district.create({"resourceType": "Location", "name": "Room 4"})
    sent = referrers(child, worker, place)[n]
    made = await district.create(sent)
    targets = [build.ref(t)["reference"] for t in (worker, place, child) if build.ref(t)["reference"] in str(sent)]
    for target in targets:
        refused(await district.delete(f"/{target}"), 409, "conflict")
    assert (await district.delete(f"/{build.ref(made)['reference']}")).status_code == 204
    for target in targets:
        assert (await district.delete(f"/{target}")).status_code == 204


async def test_nobody_stops_anothers_deletion_from_the_directory_or_by_what_is_hidden(scene: Scene) -> None:
    worker = await scene.district.create({"resourceType": "Practitioner", "name": [{"family": "Okoro"}]})
    await scene.stranger.create({"resourceType": "PractitionerRole", "practitioner": build.ref(worker)})
    await scene.stranger.create(patient(generalPractitioner=[build.ref(worker)]))
    assert (await scene.district.delete(f"/Practitioner/{worker['id']}")).status_code == 204
