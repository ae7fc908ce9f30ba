"""The page for people is served whole from the server itself, and may run and reach nothing else."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import urljoin

import pytest

from app.openapi.serve import ASSETS
from tests.api.asking import refused
from tests.openapi.test_document import BASE
from tests.world import World


async def test_the_page_takes_its_parts_from_here(world: World) -> None:
    page = await world.http.get(f"{BASE}/docs")
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    parts = set(re.findall(r'(?:src|href)="([^"]+)"', page.text))
    assert parts == {"openapi.json", *(f"docs/{name}" for name in ASSETS)}
    assert not re.search(r"https?://|<script>", page.text)


async def test_the_page_lets_nothing_else_run_or_be_reached(world: World) -> None:
    policy = (await world.http.get(f"{BASE}/docs")).headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "connect-src 'self';" in policy
    assert "style-src 'self';" in policy


@pytest.mark.parametrize(("name", "kind"), list(ASSETS.items()))
async def test_a_part_of_the_page_is_served(world: World, name: str, kind: str) -> None:
    answer = await world.http.get(f"{BASE}/docs/{name}")
    assert answer.headers["Content-Type"].startswith(kind)
    assert len(answer.content) > 100


async def test_no_other_file_is_served(world: World) -> None:
    for name in ("index.html", "swagger-ui.css", "..%2Fdocument.py"):
        refused(await world.http.get(f"{BASE}/docs/{name}"), 404, "not-found")


async def test_the_first_page_leads_to_what_is_there(world: World) -> None:
    http = world.http
    page = await http.get(f"{BASE}/")
    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    links = re.findall('href="([^"]+)"', page.text)
    assert {"office", "docs", "openapi.json"} <= set(links)
    for link in links:
        found = await http.get(urljoin(f"{BASE}/", unescape(link)), headers={"Accept": "text/html"})
        assert found.status_code in (200, 303), link
