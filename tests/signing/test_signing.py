"""A release is drafted in the office, signed by a family on a page, and ended there. 34 CFR 99.30(d)

docs/guides/signing.md
"""

from __future__ import annotations

import base64
import hashlib
import re
from html import unescape

import pytest
import pytest_asyncio

from app.consent import codes as c
from tests import build
from tests.office.people import signed_in
from tests.partner.post import Post
from tests.scene import FAMILY, Scene, as_owner
from tests.signing.family import MOTHER, Office, code_in, link_in, office, signer
from tests.world import BASE, World


def text(page: str) -> str:
    """What a person reads."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


@pytest_asyncio.fixture
async def desk(world: World, mails: Post) -> Office:
    """An office of its own for each test."""
    return await office(world, mails)


def reference(desk: Office) -> str:
    """The mother."""
    return f"RelatedPerson/{desk.mother['id']}"


async def test_from_the_draft_over_the_signature_to_its_end_by_three_people_in_three_browsers(desk: Office) -> None:
    release = await desk.draft()
    assert await desk.seen_by_clinic() == []
    assert "on its way" in (await desk.ask(release, reference(desk))).text
    mother = signer(desk.scene.world, desk.mails, desk.mailed_link())
    assert (await desk.consent(release))["status"] == "proposed"
    assert "Waits for the signature of Luz Rivera (mother)" in text((await desk.person.get(release)).text)
    first = await mother.get()
    assert FAMILY not in first.text
    assert MOTHER not in first.text
    page = await mother.open()
    told = text(page.text)
    for expected in (
        FAMILY,
        "Who gets it Clinic",
        "What is shared The name and birth date of the student What the school asks for, and why",
        "What is not shared Names of parents",
        "Why To treat the student",
        "to June 30, 2027. Then it stops.",
        "You can end this at any time.",
    ):
        assert expected in told
    done = await mother.sign(page)
    assert "Thank you. You signed." in done.text
    assert await desk.seen_by_clinic() == [desk.scene.student["id"]]
    consent = await desk.consent(release)
    assert consent["status"] == "active"
    assert consent["performer"] == [{"reference": reference(desk)}]
    assert "extension" not in consent
    end = signer(desk.scene.world, desk.mails, desk.mailed_link())
    assert end.link != mother.link
    ended = await end.sign(await end.open())
    assert "It has ended." in ended.text
    assert await desk.seen_by_clinic() == []
    assert (await desk.consent(release))["status"] == "inactive"
    assert "You ended a form" in str(desk.mails.mails[-1]["Subject"])


async def test_the_evidence_says_who_signed_what_when_and_how_and_its_hash_is_that_of_the_copy(desk: Office) -> None:
    release = await desk.draft()
    await desk.ask(release, reference(desk))
    mother = signer(desk.scene.world, desk.mails, desk.mailed_link())
    done = await mother.sign(await mother.open(), name="Luz M. Rivera", drawing="M10 10L20 30L40 5")
    copy = await mother.http.get(f"{BASE}{re.findall('href=.(/sign/[^ ]+copy[^ ]+).>', done.text)[0]}")
    told = text(copy.text)
    for expected in ("Luz Rivera (mother of the student)", "Luz M. Rivera", "l…@family.example", release[-36:]):
        assert expected in told
    assert '<path d="M10 10L20 30L40 5"' in copy.text
    consent = await desk.consent(release)
    document = (await desk.scene.district.get(f"/{consent['sourceReference']['reference']}")).json()
    attachment = document["content"][0]["attachment"]
    assert base64.b64decode(attachment["data"]) == copy.content
    assert attachment["hash"] == base64.b64encode(hashlib.sha1(copy.content).digest()).decode()  # noqa: S324
    assert document["securityLabel"][0]["coding"][0]["code"] == "R"
    found = await desk.scene.district.get(f"/Provenance?target=Consent/{consent['id']}")
    (entry,) = found.json()["entry"]
    (signature,) = entry["resource"]["signature"]
    assert signature["who"] == {"reference": reference(desk)}
    assert base64.b64decode(signature["data"]).decode() == hashlib.sha256(copy.content).hexdigest()
    rows = await as_owner(
        desk.scene.world,
        "SELECT detail FROM hallpass.event WHERE detail LIKE 'release signed%' || :id || '%'",
        id=consent["id"],
    )
    assert len(rows) == 1


async def test_where_two_are_asked_it_is_proposed_until_the_second_and_opens_nothing(world: World, mails: Post) -> None:
    desk = await office(world, mails)
    father = await desk.scene.district.create(
        build.guardian(desk.scene.student, "FTH", telecom=[{"system": "email", "value": "tom@family.example"}])
    )
    release = await desk.draft()
    await desk.ask(release, reference(desk))
    one = signer(world, mails, desk.mailed_link())
    await desk.ask(release, f"RelatedPerson/{father['id']}")
    other = signer(world, mails, desk.mailed_link())
    first = await one.sign(await one.open())
    assert "One more person has to sign" in first.text
    assert (await desk.consent(release))["status"] == "proposed"
    assert await desk.seen_by_clinic() == []
    consent = await desk.consent(release)
    by_api = await desk.scene.district.put(f"/Consent/{consent['id']}", {**consent, "status": "active"})
    assert by_api.status_code == 422
    assert "asked for" in by_api.text
    await other.sign(await other.open(), name="Tom Rivera")
    consent = await desk.consent(release)
    assert consent["status"] == "active"
    assert len(consent["performer"]) == 2
    assert await desk.seen_by_clinic() == [desk.scene.student["id"]]


async def test_in_the_office_the_code_is_given_out_by_who_looked_at_the_person(desk: Office) -> None:
    release = await desk.draft()
    given = await desk.ask(release, reference(desk), "office")
    assert "<svg" in given.text
    mother = signer(desk.scene.world, desk.mails, link_in(given.text))
    assert (await mother.post("/code")).status_code == 404
    assert (await mother.open("0000 0000")).status_code == 403
    await mother.sign(await mother.open(code_in(given.text)))
    consent = await desk.consent(release)
    document = (await desk.scene.district.get(f"/{consent['sourceReference']['reference']}")).json()
    page = base64.b64decode(document["content"][0]["attachment"]["data"]).decode()
    assert f"{desk.person.staff.name} gave out a code" in page


async def test_a_printed_link_is_opened_by_a_code_to_the_address_on_file(desk: Office) -> None:
    release, before = await desk.draft(), len(desk.mails.mails)
    given = await desk.ask(release, reference(desk), "print")
    assert len(desk.mails.mails) == before
    mother = signer(desk.scene.world, desk.mails, link_in(given.text))
    assert "Sign here" in (await mother.open()).text
    assert desk.mails.mails[-1]["To"] == MOTHER


async def test_in_spanish_every_text_is_and_so_is_the_copy(world: World, mails: Post) -> None:
    spanish = {"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": "es-MX"}]}, "preferred": True}
    desk = await office(world, mails, communication=[spanish])
    release = await desk.draft()
    await desk.ask(release, reference(desk), language="")
    assert "Su escuela le pide" in desk.mails.last()
    mother = signer(world, mails, desk.mailed_link())
    page = await mother.open()
    assert '<html lang="es">' in page.text
    assert "El nombre y el día en que nació" in page.text
    assert "30 de junio de 2027" in page.text
    assert "Gracias. Usted firmó." in (await mother.sign(page)).text
    consent = await desk.consent(release)
    document = (await desk.scene.district.get(f"/{consent['sourceReference']['reference']}")).json()
    assert document["content"][0]["attachment"]["language"] == "es"


async def test_a_minor_signs_for_what_is_theirs_and_a_parent_learns_nothing_of_it(world: World, mails: Post) -> None:
    district, clinic = await world.member("Coast ISD", state="CA"), await world.member("Coast clinic")
    await world.agree(district, clinic)
    student = await district.create(build.patient("S-CA", name=[{"family": FAMILY, "given": ["Ana"]}]))
    mother = await district.create(build.guardian(student, telecom=[{"system": "email", "value": MOTHER}]))
    label = {"system": c.ACT_CODE, "code": "BH"}
    await district.create(build.encounter(student, meta={"security": [label]}))
    scene = Scene(world, district, clinic, clinic, {"Patient": student, "RelatedPerson": mother})
    desk = Office(scene, await signed_in(world, district, "privacy-officer"), mails, mother)
    before = len(mails.mails)
    release = await desk.draft(
        **{"kind-Patient": "", "kind-ServiceRequest": "", "kind-Encounter": "yes", "label-BH": "yes"}
    )
    given = await desk.ask(release, f"Patient/{student['id']}", "office")
    minor = signer(world, mails, link_in(given.text))
    done = await minor.sign(await minor.open(code_in(given.text)), name="Ana Quillfeather")
    assert "Thank you. You signed." in done.text
    assert len(await clinic.ids("/Encounter")) == 1
    assert len(await clinic.ids("/Consent")) == 1
    consent = await desk.consent(release)
    document = (await district.get(f"/{consent['sourceReference']['reference']}")).json()
    assert c.MINOR_SIGNS in str(document["securityLabel"])
    assert len(mails.mails) == before
    path = f"/office/students/{student['id']}/record"
    assert "Nothing was given to anyone" in (await desk.person.get(path)).text
    assert "visits" in (await desk.person.get(f"{path}?for=student")).text
    refused = await desk.ask(release, f"RelatedPerson/{mother['id']}")
    assert refused.status_code == 422, "the mother did not sign it, and gets no link to it"


async def test_a_student_below_18_signs_in_the_office_alone_and_no_mail_of_it_goes_out(desk: Office) -> None:
    release, before = await desk.draft(**{"label-SUD": "yes"}), len(desk.mails.mails)
    student = f"Patient/{desk.scene.student['id']}"
    refused = await desk.ask(release, student, "mail")
    assert refused.status_code == 422
    assert "here in the office" in refused.text
    given = await desk.ask(release, student, "office")
    minor = signer(desk.scene.world, desk.mails, link_in(given.text))
    page = await minor.open(code_in(given.text))
    assert "You can still go to school" in page.text
    signed = await minor.sign(page, name="Ana")
    assert signed.status_code == 422, "at this age, in no state of the table, a student does not sign alone"
    assert "cannot be signed here" in signed.text
    assert len(desk.mails.mails) == before


async def test_what_is_missing_by_the_law_keeps_it_from_being_signed_as_by_the_api(desk: Office) -> None:
    release = await desk.draft()
    await desk.ask(release, reference(desk))
    mother = signer(desk.scene.world, desk.mails, desk.mailed_link())
    page = await mother.open()
    consent = await desk.consent(release)
    foreign = {**consent, "organization": [desk.scene.clinic.reference]}
    await desk.scene.district.save(foreign)
    page = await mother.get("/read")
    answer = await mother.sign(page)
    assert answer.status_code == 422
    assert "cannot be signed here" in answer.text
    assert (await desk.consent(release))["status"] == "proposed"


@pytest.mark.parametrize("fields", [{"name": ""}, {"agree": "no"}, {"drawing": '"/><script>'}, {"name": "x" * 101}])
async def test_a_form_without_name_or_tick_or_with_a_false_drawing_signs_nothing(
    desk: Office, fields: dict[str, str]
) -> None:
    release = await desk.draft()
    await desk.ask(release, reference(desk))
    mother = signer(desk.scene.world, desk.mails, desk.mailed_link())
    assert (await mother.sign(await mother.open(), **fields)).status_code == 422
    assert (await desk.consent(release))["status"] == "proposed"


async def test_a_draft_that_changed_after_it_was_read_is_read_again(desk: Office) -> None:
    release = await desk.draft()
    await desk.ask(release, reference(desk))
    mother = signer(desk.scene.world, desk.mails, desk.mailed_link())
    page = await mother.open()
    consent = await desk.consent(release)
    provision = {**consent["provision"], "class": [build.type_class("Encounter")]}
    await desk.scene.district.save({**consent, "provision": provision})
    answer = await mother.sign(page)
    assert answer.status_code == 412
    assert "Dates of visits" in answer.text
    assert (await desk.consent(release))["status"] == "proposed"


async def test_who_may_not_be_written_to_is_asked_in_the_office_alone(world: World, mails: Post) -> None:
    no_contact = {"url": "https://hallpass.example/fhir/StructureDefinition/contact-permission", "valueCode": "none"}
    desk = await office(world, mails, extension=[no_contact])
    release = await desk.draft()
    assert (await desk.ask(release, reference(desk), "mail")).status_code == 422
    assert (await desk.ask(release, reference(desk), "print")).status_code == 422
    assert (await desk.ask(release, reference(desk), "office")).status_code == 200


async def test_a_release_that_there_are_no_plain_words_for_is_not_signed_on_the_page(desk: Office) -> None:
    draft = build.consent(
        desk.scene.student,
        desk.mother,
        desk.scene.district.reference,
        desk.scene.clinic.reference,
        status="draft",
        provision={"provision": [{"type": "deny", "class": [build.type_class("Task")]}]},
    )
    del draft["performer"]
    saved = await desk.scene.district.create(draft)
    page = await desk.person.get(f"/office/releases/{saved['id']}")
    assert "Have it signed on paper." in page.text


async def test_a_form_that_says_too_little_makes_no_draft(desk: Office) -> None:
    path = f"/office/students/{desk.scene.student['id']}/draft"
    page = await desk.person.get(path)
    for fields in ({}, {"end": "2020-01-01"}, {"recipient": "x"}):
        assert (await desk.person.send(page, path, **fields)).status_code == 422


async def test_who_does_not_draft_in_their_role_has_no_such_page(desk: Office) -> None:
    path = f"/office/students/{desk.scene.student['id']}/draft"
    for member, role in ((desk.scene.district, "front-office"), (desk.scene.clinic, "partner-intake")):
        person = await signed_in(desk.scene.world, member, role)
        assert (await person.get(path)).status_code == 403
    stranger = await signed_in(desk.scene.world, desk.scene.stranger, "privacy-officer")
    assert (await stranger.get(path)).status_code == 404
