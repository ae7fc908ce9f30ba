"""The routes of a light partner's pages: a link, a code, the referral. docs/guides/partners.md

Nothing is shown before the code, and nothing after that the release does not show. What does not lead on has one page
for all reasons, so that a link tells nobody whether there is a referral.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response

from app import one_time
from app.auth import clients
from app.auth.clients import Client
from app.errors import HallpassError, Kind
from app.notify.letter import send
from app.partner import mailing, page
from app.partner.links import PASS_SECONDS, Link, Links, mark
from app.partner.partners import address_of, caller_of
from app.partner.visit import Visit
from app.web import form, html, in_words, refused, see_other, set_cookie, stylesheet

COOKIE = "hallpass-partner"
PATHS = frozenset({"/partner.css", *(f"/partner/{{link}}{rest}" for rest in ("", "/code", "/open", "/referral"))})
_ENDED = frozenset({Kind.NOT_FOUND, Kind.GONE, Kind.LOGIN})


@dataclass(frozen=True, slots=True)
class _Guest:
    """Who has followed a link that holds."""

    link: Link
    client: Client
    address: str


def partner_router(links: Links) -> APIRouter:
    """The pages. `include_in_schema` is off: they are for people."""
    router = APIRouter(include_in_schema=False)

    @router.get("/partner.css")
    async def style() -> Response:
        return stylesheet(page.STYLE)

    @router.get("/partner/{link}")
    async def arrive(request: Request, link: str) -> Response:
        guest = await _guest(request, links, link)
        return _gone() if guest is None else html(page.ask_code(link, guest.address, sent=False))

    @router.post("/partner/{link}/code")
    async def code(request: Request, link: str) -> Response:
        guest = await _guest(request, links, link)
        return _gone() if guest is None else await _send_code(request, links, link, guest)

    @router.post("/partner/{link}/open")
    async def enter(request: Request, link: str) -> Response:
        guest = await _guest(request, links, link)
        return _gone() if guest is None else await _enter(request, links, link, guest)

    @router.get("/partner/{link}/referral")
    async def show(request: Request, link: str) -> Response:
        guest = await _guest(request, links, link)
        if guest is None or not _permitted(request, links, guest):
            return _gone() if guest is None else see_other(f"/partner/{link}")
        return await _show(request, link, guest)

    @router.post("/partner/{link}/referral")
    async def answer(request: Request, link: str) -> Response:
        guest = await _guest(request, links, link)
        if guest is None or not _permitted(request, links, guest):
            return _gone() if guest is None else see_other(f"/partner/{link}")
        return await _answer(request, link, guest)

    return router


async def _guest(request: Request, links: Links, token: str) -> _Guest | None:
    """Who follows a link; None where it is none, has expired, or its partner does not stand. Raises TOO_MANY."""
    state = request.app.state
    state.limits.stranger(request.scope)
    link = links.read_link(token, time.time())
    if link is None:
        return None
    async with state.db.begin() as connection:
        client = await clients.get(connection, link.client)
    address = address_of(client) if client else None
    return _Guest(link, client, address) if client and address else None


async def _send_code(request: Request, links: Links, token: str, guest: _Guest) -> Response:
    db, now = request.app.state.db, time.time()
    if not await one_time.may(db, guest.client.id, f"mail {mark(guest.link)}", now):
        return html(page.ask_code(token, guest.address, sent=True, wrong="Wait ten minutes for another code."), 429)
    await send(request.app.state.settings, mailing.code_mail(guest.address, links.code(guest.link, now)))
    return html(page.ask_code(token, guest.address, sent=True))


async def _enter(request: Request, links: Links, token: str, guest: _Guest) -> Response:
    """A pass for who has the code, once. Tries are counted; after some, no code is right until the next stretch."""
    fields = await form(request)
    db, now, client = request.app.state.db, time.time(), guest.client.id
    code, here = one_time.bare_code(fields.get("code", "")), mark(guest.link)
    judged = await one_time.may(db, client, f"try {here}", now)
    if not (judged and links.fits(guest.link, code, now) and await one_time.spend(db, client, f"code {here} {code}")):
        text = "This code is not right, was used before, or is too old. Ask for another one."
        return html(page.ask_code(token, guest.address, sent=True, wrong=text), 403)
    response = see_other(f"/partner/{token}/referral")
    set_cookie(request, response, COOKIE, links.permit(guest.link, now), f"/partner/{token}", seconds=PASS_SECONDS)
    return response


async def _show(request: Request, token: str, guest: _Guest, wrong: str = "", status: int = 200) -> Response:
    try:
        return html(await _visit(request, guest).show(token, wrong), status)
    except HallpassError as e:
        if e.kind in _ENDED:
            return _gone()
        raise


async def _answer(request: Request, token: str, guest: _Guest) -> Response:
    try:
        await _visit(request, guest).answer(await form(request))
    except HallpassError as e:
        if e.kind in _ENDED:
            return _gone()
        if e.kind in (Kind.CONFLICT, Kind.UNPROCESSABLE, Kind.INVALID, Kind.PRECONDITION):
            return await _show(request, token, guest, "; ".join(i.text for i in e.issues), e.status)
        raise
    return see_other(f"/partner/{token}/referral")


def _visit(request: Request, guest: _Guest) -> Visit:
    state = request.app.state
    caller = caller_of(guest.client, f"partner {guest.link.task}")
    return Visit(state.access_service, state.settings, caller, guest.link.task)


def _permitted(request: Request, links: Links, guest: _Guest) -> bool:
    return links.permits(guest.link, request.cookies.get(COOKIE, ""), time.time())


def failed(error: HallpassError) -> Response:
    """An error that no page of the partner's has shown, as a page."""
    return refused(error, html(page.failed(*in_words(error)), error.status))


def _gone() -> Response:
    return html(page.gone(), 404)
