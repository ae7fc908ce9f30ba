"""One release from its draft to its signature to its end, by three people in three browsers, by buttons alone.

A district's officer drafts it and asks, the mother reads and signs, a clinic's intake sees the record come and go.
HALLPASS_SCREENSHOTS names a folder that pictures of the pages go to.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import SecretStr

from app.db.engine import Database
from tests import build
from tests.office.people import Person, hire
from tests.office.pictures import keep
from tests.office.test_browser import PROGRAM
from tests.openapi.browser import Browser, browsing
from tests.partner.post import Post, post
from tests.partner.test_browser import served, submit
from tests.scene import FAMILY, Scene, set_scene
from tests.signing.family import MOTHER, code_in, link_in
from tests.world import BASE, open_world

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="there is no Chromium here: apt-get install chromium")
SIGN = {
    "en": ("Send me the code", "Go on", "Sign here", "Thank you. You signed."),
    "es": ("Mándenme el código", "Seguir", "Firme aquí", "Gracias. Usted firmó."),
}
END = {
    "en": ("Send me the code", "Go on", "End it now", "It has ended."),
    "es": ("Mándenme el código", "Seguir", "Ponerle fin ahora", "Se acabó."),
}
_TICK = "[...document.querySelectorAll({})].forEach(box => {{ box.checked = true; }})"
_OPENED = {"recipient": "", "purpose": "TREAT", "law": "ferpa", "end": "2027-06-30"}


@dataclass
class Window:
    """Somebody's browser: what they open, tick and send, with a picture of each page that comes of it."""

    who: str
    page: Browser
    url: str
    pictures: str
    number: int = 0

    async def open(self, path: str) -> str:
        """Open a page, and read it."""
        await asyncio.to_thread(self.page.open, self.url + path)
        return await self._seen(str(await asyncio.to_thread(self.page.run, "document.body.innerText")))

    async def tick(self, boxes: str) -> None:
        """Tick the boxes that a selector finds."""
        await asyncio.to_thread(self.page.run, _TICK.format(repr(boxes)))

    async def send(self, button: str, until: str, **fields: str) -> str:
        """Fill in the form with a button, send it, and read what comes."""
        return await self._seen(await submit(self.page, button, str(fields), until))

    async def sign_in(self, person: Person) -> None:
        """Use a one-time link of the office."""
        await self.open(person.link.removeprefix(BASE))
        await self.send("Sign in", person.staff.role.title)

    async def address(self) -> str:
        """The path of the page that is open."""
        return str(await asyncio.to_thread(self.page.run, "location.pathname"))

    async def _seen(self, text: str) -> str:
        self.number += 1
        await keep(self.page, f"story-{self.pictures}-{self.who}-{self.number:02}")
        return text


@dataclass
class Story:
    """The three, and the mails that the mother gets."""

    scene: Scene
    officer: Window
    mother: Window
    intake: Window
    mails: Post

    async def draft(self) -> str:
        """The officer finds the student, and drafts a release by the form; answers the release's path."""
        desk, student = self.officer, f"/office/students/{self.scene.student['id']}"
        await desk.open("/office")
        assert FAMILY in await desk.send("Find", "1 student found", name=FAMILY)
        await desk.open(f"{student}/draft")
        await desk.tick("[name=kind-Patient], [name=kind-ServiceRequest], [name=kind-Task]")
        form = {**_OPENED, "recipient": str(self.scene.clinic.organization)}
        await desk.send("Make the draft", "Before it is signed", **form)
        return await desk.address()

    async def prove(self, words: tuple[str, str, str, str]) -> str:
        """The mother opens the link of the last mail, and proves by a mailed code who she is."""
        await self.mother.open(link_in(self.mails.last()))
        await self.mother.send(words[0], words[1])
        return await self.mother.send(words[1], words[2], code=code_in(self.mails.last()))

    async def agree(self, words: tuple[str, str, str, str]) -> None:
        """The mother ticks the box, writes her name, and sends it."""
        await self.mother.tick("[name=agree]")
        await self.mother.send(words[2], words[3], name="Luz Rivera")

    async def intake_sees(self) -> bool:
        """Whether the clinic's intake finds the student and the referral: both, or neither."""
        await self.intake.open("/office")
        found = FAMILY in await self.intake.send("Find", "found", name=FAMILY)
        listed = FAMILY in await self.intake.open("/office/referrals")
        assert found is listed
        return found


@pytest.mark.parametrize(("language", "scripts"), [("en", True), ("es", True), ("en", False), ("es", False)])
async def test_a_record_comes_with_a_signature_and_goes_with_its_end(
    db: Database, tmp_path: Path, language: str, *, scripts: bool
) -> None:
    assert PROGRAM is not None
    async with post() as mails, open_world(db, smtp_url=SecretStr(mails.url), mail_from="a@example.org") as world:
        scene = await set_scene(world)
        await scene.district.create(build.guardian(scene.student, telecom=[{"system": "email", "value": MOTHER}]))
        parties = scene.district.reference, scene.clinic.reference
        await scene.district.create(build.task(scene.student, scene.records["ServiceRequest"], *parties))
        officer = await hire(world, scene.district, "privacy-officer")
        intake = await hire(world, scene.clinic, "partner-intake", "Ina Intake")
        async with served(world) as url:
            with browsing(PROGRAM, tmp_path / "profile") as page:
                pictures = f"{language}-{'scripts' if scripts else 'plain'}"
                windows = [
                    Window(who, each, url, pictures)
                    for who, each in (("officer", page), ("mother", page.another()), ("intake", page.another()))
                ]
                for window in windows:
                    if not scripts:
                        window.page.without_scripts()
                story = Story(scene, *windows, mails)
                await told(story, officer, intake, language)


async def told(story: Story, officer: Person, intake: Person, language: str) -> None:
    """The story."""
    desk, student = story.officer, story.scene.student["id"]
    await desk.sign_in(officer)
    await story.intake.sign_in(intake)
    release = await story.draft()
    assert not await story.intake_sees()
    await ask(story, release, language)
    assert FAMILY in await story.prove(SIGN[language])
    assert not await story.intake_sees()
    await story.agree(SIGN[language])
    assert await story.intake_sees()
    assert "Clinic" in await desk.open(f"/office/students/{student}")
    record = await desk.open(f"/office/students/{student}/record")
    assert "Ina Intake" in record
    assert "Luz Rivera (mother)" in record
    if language == "es":
        await story.prove(END[language])
        await story.agree(END[language])
    else:
        await desk.open(release)
        await desk.tick("[name=sure]")
        await desk.send("End the release", "ended")
    assert not await story.intake_sees()


async def ask(story: Story, release: str, language: str) -> None:
    """The officer chooses the mother who has a mail address, and a mail goes out."""
    assert "Luz Rivera (mother)" in await story.officer.open(release)
    who = "[...document.querySelectorAll('[name=signer] option')].find(o => !o.innerText.includes('office')).value"
    signer = str(await asyncio.to_thread(story.officer.page.run, who))
    await story.officer.send("Ask for a signature", "on its way", signer=signer, way="mail", language=language)
