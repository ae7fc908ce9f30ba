"""The page in a real browser: by link, code and buttons alone, and with script switched off by its policy."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import uvicorn
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import create_async_engine

from app.auth import clients
from app.db.engine import Database
from app.main import create_app
from app.partner.partners import partner
from tests import build
from tests.openapi.browser import Browser, browsing, chromium
from tests.partner.post import post
from tests.partner.test_pages import Pantry
from tests.scene import FAMILY, set_scene
from tests.world import BASE, World, open_world

PROGRAM = chromium()
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="there is no Chromium here: apt-get install chromium")
_TEXT = "document.readyState == 'complete' ? document.body.innerText : ''"
_SUBMIT = """(async () => {{
  const form = [...document.forms].find(f => f.innerText.includes({label!r}));
  for (const [name, value] of Object.entries({fields})) form.elements[name].value = value;
  form.requestSubmit();
}})()"""


@asynccontextmanager
async def served(world: World, *, localhost: bool = False) -> AsyncIterator[str]:
    """The application of a network at an address of its own; by a name, it knows that it is there."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://{'localhost' if localhost else '127.0.0.1'}:{port}"
    settings = world.settings.model_copy(update={"base_url": url}) if localhost else world.settings
    db = Database(world.db.owner)
    app = create_app(settings, db)
    server = uvicorn.Server(uvicorn.Config(app, "127.0.0.1", port, log_level="error", lifespan="off"))
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.05)
    yield url
    server.should_exit = True
    await task
    await db.dispose()


async def submit(page: Browser, label: str, fields: str, until: str) -> str:
    """Send the form with a label, and answer what the page says once it says `until`."""
    await asyncio.to_thread(page.run, _SUBMIT.format(label=label, fields=fields))
    for _ in range(400):
        text = str(
            await asyncio.to_thread(page.run, "document.readyState == 'complete' ? document.body.innerText : ''")
        )
        if until in text:
            return text
        await asyncio.sleep(0.05)
    raise AssertionError(text)


async def test_a_referral_is_opened_and_accepted_by_link_code_and_button(db: Database, tmp_path: Path) -> None:
    assert PROGRAM is not None
    async with post() as mails, open_world(db, smtp_url=SecretStr(mails.url), mail_from="a@example.org") as world:
        scene = await set_scene(world, "Patient", "ServiceRequest")
        found = partner(scene.clinic.organization, "By mail", "b@pantry.example", frozenset({"TREAT"}))
        engine = create_async_engine(world.db.owner)
        async with engine.begin() as connection:
            await clients.add(connection, found)
        await engine.dispose()
        parties = scene.district.reference, scene.clinic.reference
        task = await scene.district.create(build.task(scene.student, scene.records["ServiceRequest"], *parties))
        pantry = Pantry(scene, found, mails, world)
        await pantry.mailed()
        async with served(world) as url:
            with browsing(PROGRAM, tmp_path / "profile") as page:
                await asyncio.to_thread(page.open, url + await pantry.link())
                assert FAMILY not in await asyncio.to_thread(page.run, "document.body.innerText")
                await submit(page, "Send the code", "{}", "A code is on its way")
                shown = await submit(page, "Show the referral", f"{{code: '{pantry.code()}'}}", "Accept the referral")
                assert FAMILY in shown
                await submit(page, "Accept the referral", "{}", "Done")
        assert (await scene.district.get(f"/Task/{task['id']}")).json()["status"] == "accepted"
        assert BASE not in shown
