"""Who can see what, as a picture: releases, provisions and what each opens, for the eye and for a screen reader."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

from app.office.picture import Box, Drawn, draw
from tests import build
from tests.office.people import signed_in
from tests.office.test_record import text
from tests.scene import set_scene
from tests.world import World

_WHO = "<b>Clinic & sons</b>"


def crosses(one: Box, other: Box) -> bool:
    """Whether two boxes lie on each other."""
    apart = one.x + one.width <= other.x or other.x + other.width <= one.x
    return not (apart or one.y + one.height <= other.y or other.y + other.height <= one.y)


def test_no_box_lies_on_another_whatever_their_number_and_the_length_of_their_words() -> None:
    provisions = [(depth, depth % 2 == 0, "Opens records of a long name, " * depth + "each") for depth in range(6)]
    releases = [Drawn("signed " * n, provisions[: n + 1], [(_WHO, ["visits"] * n)] * n) for n in range(6)]
    picture = draw(releases)
    pairs = [(a, b) for a in picture.boxes for b in picture.boxes if a is not b]
    assert not [p for p in pairs if crosses(*p)]
    assert max(b.y + b.height for b in picture.boxes) == picture.height
    assert max(b.x + b.width for b in picture.boxes) == picture.width


async def test_a_release_with_an_exception_is_drawn_and_told_with_what_each_of_its_provisions_covers(
    world: World,
) -> None:
    scene = await set_scene(world)
    exception: dict[str, Any] = {"type": "deny", "class": [build.type_class("ServiceRequest")]}
    made = build.consent(
        scene.student,
        scene.records["RelatedPerson"],
        scene.district.reference,
        scene.clinic.reference,
        classes=("Patient", "ServiceRequest"),
    )
    made["provision"]["provision"] = [exception]
    await scene.district.create(made)
    page = await (await signed_in(world, scene.district, "counselor")).get(f"/office/students/{scene.student['id']}")
    picture = ElementTree.fromstring(page.text[page.text.index("<svg") : page.text.index("</svg>") + 6])  # noqa: S314
    assert picture.get("role") == "img"
    drawn = " ".join("".join(t.itertext()) for t in picture.iter("text"))
    told = text(page.text)
    for words in (
        "Opens name, birth date and contact, referrals",
        "It covers name, birth date and contact.",
        "Does not open referrals. It covers referrals.",
    ):
        assert words in drawn
        assert words in told.replace(drawn, "")
    assert "Exception: Does not open referrals" in told
    assert "Luz Rivera (mother)" in drawn
    assert f"{scene.district.reference}" not in drawn
