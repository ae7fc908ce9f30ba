"""People are found by their names as they are written and as they are asked for. https://hl7.org/fhir/R4/search.html#string"""

from __future__ import annotations

from urllib.parse import quote

import pytest
import pytest_asyncio

from tests.api.asking import patient, refused
from tests.world import Member, World

FAMILIES = ("Garcia Lopez", "O'Brien", "O’Brien", "OBrien", "Smith-Jones", "Łukasiewicz", "Ørsted", "Weiß", "Adams")


@pytest_asyncio.fixture(scope="module")
async def district(world: World) -> Member:
    """A district with a student of each family."""
    member = await world.member("District")
    for family in FAMILIES:
        await member.create(patient(name=[{"family": family, "given": ["Ana Lucía", "Zoë"]}]))
    return member


async def found(member: Member, query: str) -> list[str]:
    """The family names of those who are found, in their order."""
    response = await member.get(f"/Patient?{query}")
    assert response.status_code == 200, response.text
    return [e["resource"]["name"][0]["family"] for e in response.json().get("entry", [])]


APOSTROPHES = {"O'Brien", "O’Brien", "OBrien"}
ASKED = {
    "Lopez": {"Garcia Lopez"},
    "garcia": {"Garcia Lopez"},
    "Garcia-López": {"Garcia Lopez"},
    "O'Brien": APOSTROPHES,
    "O’Brien": APOSTROPHES,
    "obrien": APOSTROPHES,
    "O Brien": APOSTROPHES,
    "o'b": APOSTROPHES,
    "brien": set(),
    "Smith": {"Smith-Jones"},
    "Jones": {"Smith-Jones"},
    "Smith Jones": {"Smith-Jones"},
    "SmithJones": {"Smith-Jones"},
    "lukas": {"Łukasiewicz"},
    "ŁUKAS": {"Łukasiewicz"},
    "orsted": {"Ørsted"},
    "weiss": {"Weiß"},
    "opez": set(),
}


@pytest.mark.parametrize("asked", ASKED)
async def test_a_family_is_found_by_its_words_whatever_their_letters_and_punctuation(
    district: Member, asked: str
) -> None:
    assert set(await found(district, f"family={quote(asked)}")) == ASKED[asked]
    assert set(await found(district, f"name={quote(asked)}")) == ASKED[asked]


async def test_a_given_name_of_two_words_is_found_by_the_second(district: Member) -> None:
    assert len(await found(district, "given=lucia")) == len(FAMILIES)
    assert len(await found(district, "given=zoe&family=Adams")) == 1


async def test_exact_is_the_name_as_it_is_written(district: Member) -> None:
    assert await found(district, f"family:exact={quote('O’Brien')}") == ["O’Brien"]
    assert await found(district, "family:exact=Lopez") == []


async def test_names_are_sorted_by_their_beginning(district: Member) -> None:
    order = await found(district, "_sort=family&family=Adams,Lopez,Jones")
    assert order == ["Adams", "Garcia Lopez", "Smith-Jones"]
    assert await found(district, "_sort=-family&family=Adams,Lopez,Jones") == order[::-1]


async def test_what_stands_far_behind_in_a_long_text_is_contained_and_what_does_not_is_not(district: Member) -> None:
    text = " ".join(f"word{n}" for n in range(400))
    await district.create(patient(address=[{"text": text}]))
    for n in (0, 30, 60, 200, 399):
        for size in (1, 15):
            part = " ".join(f"word{m}" for m in range(n, min(n + size, 400)))
            assert len(await found(district, f"address:contains={quote(part)}")) == 1, part
    assert await found(district, "address:contains=word400") == []
    assert await found(district, f"address:contains={quote('word30 word32')}") == []
    assert len(await found(district, f"address:exact={quote(text)}")) == 1
    assert await found(district, f"address:exact={quote(text[:-1])}") == []


async def test_a_text_that_is_too_long_to_look_for_is_refused(district: Member) -> None:
    for asked in ("address=", "address:contains="):
        refused(await district.get(f"/Patient?{asked}{'x' * 201}"), 400)
        assert await found(district, f"{asked}{'x' * 200}") == []
