"""What is not understood: refused by its name, or at the caller's wish left out and named in the answer.

https://hl7.org/fhir/R4/search.html#errors
"""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest
import pytest_asyncio

from tests.api.asking import FORM, patient, refused
from tests.world import Member, World

LENIENT = {"Prefer": "handling=lenient"}


@pytest_asyncio.fixture(scope="module")
async def district(world: World) -> Member:
    """A district with two students."""
    member = await world.member("District")
    for gender in ("female", "male"):
        await member.create(patient(gender=gender))
    return member


@pytest.mark.parametrize(
    "bad",
    ["nothing=1", "gender:nothing=x", "birthdate=soon", "_sort=nothing", "_count=x", "_include=Patient:x", "_list=1"],
)
async def test_what_is_not_understood_is_refused_or_named_in_an_outcome(district: Member, bad: str) -> None:
    name = bad.partition("=")[0]
    strict = await district.get(f"/Patient?gender=female&{bad}")
    refused(strict, 400)
    assert f"'{name}'" in strict.json()["issue"][0]["details"]["text"]
    lenient = await district.get(f"/Patient?gender=female&{bad}", headers=LENIENT)
    assert lenient.status_code == 200, lenient.text
    page = lenient.json()
    assert [e["search"]["mode"] for e in page["entry"]] == ["match", "outcome"]
    outcome = page["entry"][1]["resource"]
    assert outcome["resourceType"] == "OperationOutcome"
    assert (outcome["issue"][0]["severity"], name in outcome["issue"][0]["details"]["text"]) == ("warning", True)
    assert page["total"] == 1
    self = next(x["url"] for x in page["link"] if x["relation"] == "self")
    assert parse_qsl(urlsplit(self).query) == [("gender", "female")]


async def test_a_form_is_read_as_leniently(district: Member) -> None:
    content = "gender=female&nothing=1"
    refused(await district.post("/Patient/_search", content=content, headers=FORM), 400)
    page = await district.post("/Patient/_search", content=content, headers={**FORM, **LENIENT})
    assert [e["search"]["mode"] for e in page.json()["entry"]] == ["match", "outcome"]


async def test_leniency_loosens_no_bound(district: Member) -> None:
    values = ",".join(f"x{n}" for n in range(1001))
    refused(await district.get(f"/Patient?identifier={values}", headers=LENIENT), 422, "too-costly")


async def test_strict_is_what_is_meant_without_a_word(district: Member) -> None:
    for headers in ({}, {"Prefer": "handling=strict"}, {"Prefer": "return=minimal"}):
        refused(await district.get("/Patient?nothing=1", headers=headers), 400, "not-supported")
    refused(await district.get("/Patient?nothing=1", headers={"Prefer": "handling=loose"}), 400)
    assert (await district.get("/Patient?nothing=1", headers={"Prefer": "Handling=LENIENT"})).status_code == 200


async def test_the_members_of_a_group_are_found_without_a_list(district: Member) -> None:
    students = [await district.create(patient()) for _ in range(2)]
    member = [{"entity": {"reference": f"Patient/{students[0]['id']}"}}]
    group = await district.create({"resourceType": "Group", "type": "person", "actual": True, "member": member})
    assert await district.ids(f"/Patient?_has:Group:member:_id={group['id']}") == [students[0]["id"]]


async def test_who_would_wait_is_answered_at_once(district: Member) -> None:
    """A page is never long in coming: `respond-async` is a preference, and the answer says by its 200 what was done."""
    student = (await district.ids("/Patient?_count=1"))[0]
    headers = {"Prefer": "respond-async, return=minimal"}
    for path in ("/Patient", f"/Patient/{student}/$everything", "/_history", f"/Patient/{student}"):
        assert (await district.get(path, headers=headers)).status_code == 200
    batch = {"resourceType": "Bundle", "type": "batch", "entry": [{"request": {"method": "GET", "url": "Patient"}}]}
    assert (await district.post("", batch, headers=headers)).status_code == 200
