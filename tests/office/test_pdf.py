"""The record of disclosures as a PDF: what the page says, tagged, with page numbers, and nothing is fetched for it."""

from __future__ import annotations

import io
import socket
from typing import Any

import pytest

from app.errors import HallpassError, Kind
from app.office import record
from app.pdf import is_available, pdf
from tests.office.people import signed_in
from tests.scene import FAMILY, Scene

pypdf = pytest.importorskip("pypdf")
pytestmark = pytest.mark.skipif(not is_available(), reason="there is no WeasyPrint here: pip install hallpass[pdf]")


def path(scene: Scene) -> str:
    """The page."""
    return f"/office/students/{scene.student['id']}/record"


async def test_the_pdf_says_what_the_page_says_with_the_number_of_each_page(scene: Scene) -> None:
    person = await signed_in(scene.world, scene.district, "privacy-officer")
    assert 'href="record/pdf?' in (await person.get(path(scene))).text
    answer = await person.get(f"{path(scene)}/pdf?start=2020-01-01&end=")
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["Cache-Control"] == "no-store"
    read = pypdf.PdfReader(io.BytesIO(answer.content))
    told = " ".join(" ".join(page.extract_text() for page in read.pages).split())
    for expected in (FAMILY, "Clinic", "treatment", "Luz Rivera (mother)", f"Page 1 of {len(read.pages)}"):
        assert expected in told
    assert "Sign out" not in told
    assert read.root_object["/MarkInfo"]["/Marked"]
    assert read.root_object["/Lang"] == "en"


async def test_who_may_not_see_the_page_gets_no_pdf(scene: Scene) -> None:
    for member, role, status in ((scene.district, "counselor", 403), (scene.stranger, "privacy-officer", 404)):
        answer = await (await signed_in(scene.world, member, role)).get(f"{path(scene)}/pdf")
        assert answer.status_code == status
        assert not answer.content.startswith(b"%PDF")


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/a", "file:///etc/hosts", "//127.0.0.1:9/b"])
def test_nothing_is_fetched_for_a_pdf(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    opened: list[Any] = []
    monkeypatch.setattr(socket.socket, "connect", lambda _self, to: opened.append(to))
    links = f"<link rel='stylesheet' href='{address}'><img alt='x' src='{address}'>"
    page = f"<!doctype html><html lang='en'><title>T</title>{links}</html>"
    assert pdf(page, {}).startswith(b"%PDF")
    assert not opened


async def test_what_takes_too_long_is_refused_with_what_to_do(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    async def stopped(*_: Any, **__: Any) -> bytes:
        raise HallpassError(Kind.TOO_COSTLY, "It took more than its time.")

    monkeypatch.setattr(record, "off_loop", stopped)
    answer = await (await signed_in(scene.world, scene.district, "privacy-officer")).get(f"{path(scene)}/pdf")
    assert answer.status_code >= 400
    assert record.TOO_LONG in answer.text
