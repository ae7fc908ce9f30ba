"""A student's family, the office that asks it to sign, and browsers with no script."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape
from typing import Any

import httpx

from tests import build
from tests.office.people import Person, browser, hidden, signed_in
from tests.partner.post import Post
from tests.scene import Scene, set_scene
from tests.world import BASE, World

MOTHER = "luz@family.example"
FORM = {"kind-Patient": "yes", "kind-ServiceRequest": "yes", "purpose": "TREAT", "law": "ferpa", "end": "2027-06-30"}


@dataclass
class Office:
    """A privacy officer who drafts releases of one student to the clinic."""

    scene: Scene
    person: Person
    mails: Post
    mother: dict[str, Any]

    async def draft(self, **more: str) -> str:
        """Make a draft by the form; answer its page's path."""
        path = f"/office/students/{self.scene.student['id']}/draft"
        form = {**FORM, "recipient": str(self.scene.clinic.organization), **more}
        made = await self.person.send(await self.person.get(path), path, **form)
        assert made.status_code == 200, made.text
        assert made.url.path.startswith("/office/releases/"), made.text
        return made.url.path

    async def ask(self, release: str, signer: str, way: str = "mail", language: str = "en") -> httpx.Response:
        """Ask for a signature."""
        page = await self.person.get(release)
        return await self.person.send(page, f"{release}/ask", signer=signer, way=way, language=language)

    def mailed_link(self) -> str:
        """The link in the last mail."""
        return link_in(self.mails.last())

    async def consent(self, release: str) -> dict[str, Any]:
        """The Consent as the API has it."""
        found: dict[str, Any] = (await self.scene.district.get(f"/Consent/{release.rpartition('/')[2]}")).json()
        return found

    async def seen_by_clinic(self) -> list[str]:
        """The students whom the clinic sees."""
        return await self.scene.clinic.ids("/Patient")


def link_in(text: str) -> str:
    """The path of a link in a mail or on a page."""
    found = re.search(rf"{BASE}(/sign/[\w-]+)", text)
    assert found, text
    return found[1]


async def office(world: World, mails: Post, **guardian: Any) -> Office:
    """The office, and a mother with a mail address on file."""
    scene = await set_scene(world)
    mother = await scene.district.create(
        build.guardian(scene.student, telecom=[{"system": "email", "value": MOTHER}], **guardian)
    )
    return Office(scene, await signed_in(world, scene.district, "privacy-officer"), mails, mother)


@dataclass
class Signer:
    """Somebody with a link, in a browser of their own."""

    http: httpx.AsyncClient
    link: str
    mails: Post

    async def get(self, rest: str = "", **query: str) -> httpx.Response:
        """Open a page behind the link."""
        return await self.http.get(f"{BASE}{self.link}{rest}", params=query)

    async def post(self, rest: str, **fields: str) -> httpx.Response:
        """Send a form."""
        return await self.http.post(f"{BASE}{self.link}{rest}", data=fields)

    async def open(self, code: str | None = None) -> httpx.Response:
        """Prove oneself by the mailed code, or by one that was given; answer the page with the release."""
        if code is None:
            sent = await self.post("/code")
            assert sent.status_code == 200, sent.text
            code = code_in(self.mails.last())
        return await self.post("/open", code=code)

    async def sign(self, page: httpx.Response, **fields: str) -> httpx.Response:
        """Fill in the form of the page, and send it."""
        form = {"name": "Luz Rivera", "agree": "yes", **fields}
        action = unescape(re.findall(r'<form class="box" method="post" action="([^"]+)"', page.text)[0])
        return await self.http.post(f"{BASE}{action}", data={**hidden(page, action), **form})


def code_in(text: str) -> str:
    """The code in a mail or on a page."""
    found = re.search(r"\b(\d{4} \d{4})\b", text)
    assert found, text
    return found[1]


def signer(world: World, mails: Post, link: str) -> Signer:
    """Somebody who got a link."""
    return Signer(browser(world), link, mails)
