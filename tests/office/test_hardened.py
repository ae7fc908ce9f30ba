"""What holds of every page and form of the office, and will of new ones: no frame, foreign form, markup or way out.

https://cheatsheetseries.owasp.org/ on CSRF, XSS, clickjacking and unvalidated redirects
"""

from __future__ import annotations

import re

import pytest
import pytest_asyncio

from app.office.routes import office_router
from tests import build
from tests.office.people import Person, browser, hidden, signed_in
from tests.office.test_caseload import addresses
from tests.scene import Scene, set_scene
from tests.world import BASE, World

EVIL = "<script>alert(1)</script>'\"><img src=x onerror=alert(1)>"
OPEN = frozenset({"/office/office.css", "/office/passkey.js", "/office/sign-in"})
"""What there is for who is not signed in."""
FORMS = sorted(r.path for r in office_router().routes if "POST" in r.methods)  # type: ignore[attr-defined]
_ROLES = ["counselor", "operator", "privacy-officer"]


@pytest_asyncio.fixture(scope="module")
async def evil(world: World) -> Scene:
    """A district whose records are full of markup."""
    scene = await set_scene(world)
    name = [{"family": EVIL, "given": [EVIL]}]
    student = scene.records["Patient"] = await scene.district.create(build.patient("S-evil", name=name))
    mother = await scene.district.create(build.guardian(student, name=name))
    note = [{"text": EVIL}]
    request = build.referral(student, scene.clinic.reference, note=note, code={"text": EVIL}, reasonCode=note)
    scene.records["ServiceRequest"] = await scene.district.create(request)
    parties = scene.district.reference, scene.clinic.reference
    task = build.task(student, scene.records["ServiceRequest"], *parties, note=note)
    scene.records["Task"] = await scene.district.create(task)
    scene.records["Consent"] = await scene.district.create(build.consent(student, mother, *parties))
    plan = {"resourceType": "CarePlan", "status": "active", "intent": "plan", "title": EVIL}
    await scene.district.create({**plan, "subject": build.ref(student)})
    await scene.clinic.ids("/ServiceRequest?_include=ServiceRequest:patient")
    return scene


@pytest.mark.parametrize("role", _ROLES)
async def test_no_page_stands_in_a_frame_or_runs_markup_or_leads_away(evil: Scene, role: str) -> None:
    person = await signed_in(evil.world, evil.district, role, name=EVIL[:30])
    person.http.follow_redirects = False
    shown = 0
    for path in addresses(evil.records):
        answer = await person.get(f"{path}?next=//evil.example&back=https://evil.example&lang=//evil.example")
        assert answer.headers.get("Location", "/office").startswith("/office"), path
        if not answer.headers.get("Content-Type", "").startswith("text/html"):
            continue
        policy = answer.headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in policy, path
        assert "form-action 'self'" in policy, path
        assert "unsafe" not in policy, path
        assert answer.headers["X-Frame-Options"] == "DENY", path
        assert answer.headers["Cache-Control"] == "no-store", path
        scripts = re.findall(r"<script[^>]*>", answer.text)
        assert all(s == '<script src="/office/passkey.js" defer>' for s in scripts), path
        assert bool(scripts) <= ("script-src 'self'" in policy), path
        tags = [re.sub(r'"[^"]*"', '""', tag) for tag in re.findall(r"<[a-zA-Z][^>]*>", answer.text)]
        assert not [t for t in tags if t.startswith("<img") or re.search(r"\son\w+=", t)], path
        assert "evil.example" not in answer.text, path
        shown += "&lt;script&gt;" in answer.text
    assert shown >= (0 if role == "operator" else 3)


async def test_who_is_not_signed_in_is_led_to_the_sign_in_from_every_page_and_form(evil: Scene) -> None:
    for cookie in ({}, {"hallpass-office": "guess"}):
        stranger = browser(evil.world, cookies=cookie)
        stranger.follow_redirects = False
        for path in set(addresses(evil.records)) - OPEN:
            answer = await stranger.get(BASE + path)
            assert (answer.status_code, answer.headers.get("Location")) == (303, "/office/sign-in"), path
        for path in FORMS:
            if path.startswith(("/office/enter", "/office/sign-in")):
                continue
            sent = await stranger.post(BASE + path.replace("{id}", evil.student["id"]), data={"sure": "yes"})
            assert (sent.status_code, sent.headers.get("Location")) == (303, "/office/sign-in"), path


@pytest.mark.parametrize("role", _ROLES)
async def test_no_form_is_taken_without_the_token_of_its_own_session(evil: Scene, role: str) -> None:
    person = await signed_in(evil.world, evil.district, role)
    other: Person = await signed_in(evil.world, evil.district, role)
    theirs = hidden(await other.get("/office"), "/office/leave")["token"]
    for path in FORMS:
        if path.startswith(("/office/enter", "/office/sign-in")):
            continue
        for token in ({}, {"token": ""}, {"token": "0" * 64}, {"token": theirs}):
            sent = await person.http.post(
                BASE + path.replace("{id}", evil.student["id"]), data={"sure": "yes", **token}
            )
            assert sent.status_code == 403, path
            assert "The form is too old" in sent.text, path
    assert (await person.get("/office")).status_code == 200
