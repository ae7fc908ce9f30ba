"""Every page of the office in a real browser, in every role: accessible, small, and the same without scripts.

https://www.w3.org/TR/WCAG22/ by axe-core. HALLPASS_SCREENSHOTS names a folder that pictures of the pages go to.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from app.office.roles import ROLES
from app.office.routes import office_router
from tests import build
from tests.office.people import hire
from tests.office.pictures import keep
from tests.office.test_browser import _AXE, PROGRAM, judge
from tests.openapi.browser import Browser, browsing
from tests.partner.test_browser import served, submit
from tests.scene import FAMILY, Scene, set_scene
from tests.world import BASE, World

pytestmark = pytest.mark.skipif(
    PROGRAM is None or _AXE is None, reason="there is no Chromium (apt-get install chromium) or no axe-core here"
)
MOST_BYTES = 100_000
PDF = "/office/students/{id}/record/pdf"
NOT_WALKED = frozenset(
    {"/office/office.css", "/office/passkey.js", PDF, "/office/sign-in/{name}", "/office/sign-in/{name}/back"}
)
"""A style, a script, a file, and what leads to a member's own sign-in at another host."""
PATHS = sorted(
    {r.path for r in office_router().routes if "GET" in r.methods} - NOT_WALKED  # type: ignore[attr-defined]
)
_MEASURED = """(n => [document.body.innerText, n.responseStart - n.requestStart, n.decodedBodySize, n.responseStatus])
(performance.getEntriesByType('navigation')[0])"""


@pytest_asyncio.fixture(scope="module")
async def walked(world: World) -> AsyncIterator[tuple[Scene, str]]:
    """A network in which each page has something to show, and its address."""
    scene = await set_scene(world, "Patient", "ServiceRequest")
    parties = scene.district.reference, scene.clinic.reference
    task = build.task(scene.student, scene.records["ServiceRequest"], *parties)
    scene.records["Task"] = await scene.district.create(task)
    await scene.clinic.ids("/ServiceRequest?_include=ServiceRequest:patient")
    async with served(world) as url:
        yield scene, url


@contextmanager
def opened(folder: Path) -> Iterator[Browser]:
    """A browser of its own."""
    assert PROGRAM is not None
    with browsing(PROGRAM, folder / "profile") as page:
        yield page


def addresses(scene: Scene) -> list[str]:
    """Each page, of the student, the release or the referral there is."""
    ids = {
        "/office/students/": scene.student["id"],
        "/office/releases/": scene.records["Consent"]["id"],
        "/office/referrals/": scene.records["Task"]["id"],
    }
    found = [p.replace("{link}", "nobody") for p in PATHS]
    return [p.replace("{id}", next((i for part, i in ids.items() if p.startswith(part)), "")) for p in found]


async def look(page: Browser, url: str) -> tuple[str, float, int, int]:
    """Open a page: its text, the milliseconds until its first byte, its bytes, and its status."""
    await asyncio.to_thread(page.open, url)
    text, milliseconds, size, status = await asyncio.to_thread(page.run, _MEASURED)
    return str(text), float(milliseconds), int(size), int(status)


@pytest.mark.parametrize("role", sorted(ROLES))
async def test_every_page_is_accessible_small_and_says_the_same_without_scripts(
    walked: tuple[Scene, str], tmp_path: Path, role: str
) -> None:
    scene, url = walked
    member = scene.clinic if role == "partner-intake" else scene.district
    person = await hire(scene.world, member, role)
    said: dict[str, Any] = {}
    with opened(tmp_path) as page:
        await asyncio.to_thread(page.open, url + person.link.removeprefix(BASE))
        await submit(page, "Sign in", "{}", person.staff.role.title)
        for path in addresses(scene):
            text, milliseconds, size, status = await look(page, url + path)
            print(f"{role:16} {status} {milliseconds:6.1f} ms {size:6} bytes  {path}")
            assert await asyncio.to_thread(judge, page) == [], path
            assert size < MOST_BYTES, path
            assert status in (200, 403, 404), path
            said[path] = text
            await keep(page, f"office-{role}-{path.removeprefix('/office').strip('/').replace('/', '-') or 'first'}")
        assert FAMILY in str(said[f"/office/students/{scene.student['id']}"]) or role in ("partner-intake", "operator")
        page.without_scripts()
        for path, text in said.items():
            assert (await look(page, url + path))[0] == text, path


@pytest.mark.parametrize("scripts", [True, False])
async def test_a_person_signs_in_finds_a_student_and_signs_out_by_buttons_alone(
    walked: tuple[Scene, str], tmp_path: Path, *, scripts: bool
) -> None:
    scene, url = walked
    person = await hire(scene.world, scene.district, "front-office")
    with opened(tmp_path) as page:
        if not scripts:
            page.without_scripts()
        await asyncio.to_thread(page.open, url + person.link.removeprefix(BASE))
        await submit(page, "Sign in", "{}", "Find a student")
        await submit(page, "Find", f"{{name: '{FAMILY}'}}", "found")
        await submit(page, "Sign out", "{}", "Open the link that you were given")
        assert "Find a student" not in (await look(page, f"{url}/office"))[0]
