"""A release is signed in a real browser, in both languages, with scripts and without; each page is accessible.

https://www.w3.org/TR/WCAG22/ by axe-core. HALLPASS_SCREENSHOTS names a folder that pictures of the pages go to.
"""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path

import pytest
from pydantic import SecretStr

from app.db.engine import Database
from tests.office.pictures import keep
from tests.office.test_browser import _AXE, PROGRAM, judge
from tests.openapi.browser import Browser, browsing
from tests.partner.post import post
from tests.partner.test_browser import served, submit
from tests.signing.family import Office, code_in, office
from tests.world import open_world

pytestmark = pytest.mark.skipif(
    PROGRAM is None or _AXE is None, reason="there is no Chromium (apt-get install chromium) or no axe-core here"
)
WORDS = {
    "en": ("Send me the code", "Go on", "Sign here", "Thank you. You signed."),
    "es": ("Mándenme el código", "Seguir", "Firme aquí", "Gracias. Usted firmó."),
}
_TICK = "document.querySelector('[name=agree]').checked = true"


async def shown(page: Browser, name: str) -> None:
    """The page is accessible; keep a picture of it where one is wanted."""
    assert await asyncio.to_thread(judge, page) == [], name
    await keep(page, f"signing-{name}")


@pytest.mark.parametrize(("language", "scripts"), [("en", True), ("es", True), ("en", False), ("es", False)])
async def test_a_release_is_read_signed_and_kept_by_buttons_alone(
    db: Database, tmp_path: Path, language: str, *, scripts: bool
) -> None:
    assert PROGRAM is not None
    send, on, here, thanks = WORDS[language]
    async with post() as mails, open_world(db, smtp_url=SecretStr(mails.url), mail_from="a@example.org") as world:
        desk: Office = await office(world, mails)
        release = await desk.draft()
        await desk.ask(release, f"RelatedPerson/{desk.mother['id']}", language=language)
        link = desk.mailed_link()
        async with served(world) as url:
            with browsing(PROGRAM, tmp_path / "profile") as page:

                async def seen(name: str) -> None:
                    if scripts:  # axe-core is one
                        await shown(page, name)

                await asyncio.to_thread(page.open, url + link)
                await shown(page, f"arrive-{language}")
                if not scripts:
                    page.without_scripts()
                await submit(page, send, "{}", on)
                await seen(f"code-{language}")
                await submit(page, on, f"{{code: '{code_in(mails.last())}'}}", here)
                await seen(f"read-{language}")
                if scripts:
                    await asyncio.to_thread(page.drag, "canvas", [(30, 80), (90, 40), (150, 100), (220, 50)])
                assert await asyncio.to_thread(page.run, "document.getElementById('draw').hidden") is not scripts
                await asyncio.to_thread(page.run, _TICK)
                await submit(page, here, "{name: 'Luz Rivera'}", thanks)
                await seen(f"done-{language}")
                if scripts:
                    copy = await asyncio.to_thread(page.run, "document.querySelector('main a').href")
                    await asyncio.to_thread(page.open, str(copy))
                    await seen(f"copy-{language}")
        consent = await desk.consent(release)
        assert consent["status"] == "active"
        document = (await desk.scene.district.get(f"/{consent['sourceReference']['reference']}")).json()
        kept = base64.b64decode(document["content"][0]["attachment"]["data"]).decode()
        assert ('<path d="M' in kept) is scripts
