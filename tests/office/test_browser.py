"""The office in a real browser: by link, forms and buttons alone, accessible on each page, and good to print.

https://www.w3.org/TR/WCAG22/ by axe-core; https://www.w3.org/TR/css-page-3/
"""

from __future__ import annotations

import asyncio
import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from app.db.engine import Database
from tests import build
from tests.office.people import hire
from tests.openapi.browser import Browser, browsing, chromium
from tests.partner.test_browser import served, submit
from tests.scene import FAMILY, set_scene
from tests.world import BASE, open_world

PROGRAM = chromium()
_AXE = find_spec("axe_playwright_python")
pytestmark = pytest.mark.skipif(
    PROGRAM is None or _AXE is None, reason="there is no Chromium (apt-get install chromium) or no axe-core here"
)
_RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
_JUDGE = f"axe.run(document, {json.dumps(_RULES)}).then(r => r.violations.map(v => [v.id, v.nodes[0].html]))"
_HIDDEN = "getComputedStyle(document.querySelector('header.top')).display"


def judge(page: Browser) -> Any:
    """What axe-core finds wrong with a page, whose own policy lets in no script: this one comes by the debugger."""
    assert _AXE is not None
    assert _AXE.origin is not None
    (script,) = Path(_AXE.origin).parent.rglob("axe.min.js")
    page.run(script.read_text() + ";0")
    return page.run(_JUDGE)


async def test_from_the_link_to_a_printed_record_by_buttons_alone_and_each_page_is_accessible(
    db: Database, tmp_path: Path
) -> None:
    assert PROGRAM is not None
    async with open_world(db) as world:
        scene = await set_scene(world, "Patient", "ServiceRequest")
        await scene.clinic.ids("/Patient")
        parties = scene.district.reference, scene.clinic.reference
        await scene.district.create(build.task(scene.student, scene.records["ServiceRequest"], *parties))
        officer = await hire(world, scene.district, "privacy-officer")
        counselor = await hire(world, scene.district, "counselor")
        async with served(world) as url:
            with browsing(PROGRAM, tmp_path / "profile") as page:

                async def look(path: str) -> None:
                    await asyncio.to_thread(page.open, url + path)
                    assert await asyncio.to_thread(judge, page) == [], path

                await look(officer.link.removeprefix(BASE))
                await submit(page, "Sign in", "{}", "Find a student")
                assert await asyncio.to_thread(judge, page) == []
                found = await submit(page, "Find", f"{{name: '{FAMILY}'}}", "1 student found")
                assert FAMILY in found
                assert await asyncio.to_thread(judge, page) == []
                student = f"/office/students/{scene.student['id']}"
                release = f"/office/releases/{scene.records['Consent']['id']}"
                for path in (student, f"{student}/releases", release, "/office/releases", "/office/emergencies"):
                    await look(path)
                await look(f"{student}/record")
                shown = str(await asyncio.to_thread(page.run, "document.body.innerText"))
                assert "Luz Rivera (mother)" in shown
                await asyncio.to_thread(page.as_medium, "print")
                assert await asyncio.to_thread(page.run, _HIDDEN) == "none"
                await asyncio.to_thread(page.as_medium, "")
                await look(counselor.link.removeprefix(BASE))
                await submit(page, "Sign in", "{}", counselor.staff.role.title)
                await look("/office/referrals")
