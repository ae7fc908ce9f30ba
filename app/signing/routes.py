"""The routes of who signs: a link, a code, the release, the copy. docs/guides/signing.md

Nothing is shown before the code. What does not lead on has one page for all reasons, so that a link tells nobody
whether there is a release. A link ends with its act, with the release, and with the sender's place in the office.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response

from app import one_time
from app.auth import clients
from app.auth.clients import Client
from app.errors import HallpassError, Kind
from app.notify.letter import send
from app.signing import contact, page
from app.signing.catalog import Catalog, catalog
from app.signing.found import Found
from app.signing.links import END, LINK_SECONDS, MAIL, PASS_SECONDS, SIGN, Link, Links
from app.signing.mailing import code_mail, ended_mail, signed_mail
from app.signing.visit import Unsigned, Visit
from app.web import POLICY, form, html, refused, see_other, set_cookie, stylesheet
from app.web import script as script_of

COOKIE = "hallpass-signing"
ASSETS = ("/sign/sign.css", "/sign/draw.js")
PATHS = frozenset((*ASSETS, *(f"/sign/{{link}}{rest}" for rest in ("", "/code", "/open", "/read", "/done", "/copy"))))
_ENDED = frozenset({Kind.NOT_FOUND, Kind.GONE, Kind.LOGIN})
_TOLD = {Kind.PRECONDITION: "failed.changed", Kind.UNPROCESSABLE: "failed.rule", Kind.CONFLICT: "failed.rule"}


@dataclass(frozen=True, slots=True)
class _Guest:
    """Who has followed a link that holds."""

    token: str
    link: Link
    client: Client
    links: Links
    words: Catalog

    def path(self, rest: str = "") -> str:
        return f"/sign/{self.token}{rest}"

    def render(self, template: str, **said: object) -> str:
        return page.render(template, self.words, token=self.token, act=self.link.act, **said)


_Act = Callable[[Request, _Guest], Awaitable[Response]]


def signing_router(links: Links) -> APIRouter:
    """The pages. `include_in_schema` is off: they are for people."""
    router = APIRouter(include_in_schema=False)

    async def style() -> Response:
        return stylesheet(page.STYLE)

    async def script() -> Response:
        return script_of(page.SCRIPT)

    router.add_api_route(ASSETS[0], style, methods=["GET"])
    router.add_api_route(ASSETS[1], script, methods=["GET"])
    for rest, method, act, needs_pass in (
        ("", "GET", _arrive, False),
        ("/code", "POST", _send_code, False),
        ("/open", "POST", _enter, False),
        ("/read", "GET", _read, True),
        ("/read", "POST", _act, True),
        ("/done", "GET", _done, True),
        ("/copy", "GET", _copy, True),
    ):
        router.add_api_route(f"/sign/{{link}}{rest}", _guarded(links, act, needs_pass), methods=[method])
    return router


def _guarded(links: Links, act: _Act, needs_pass: bool) -> Callable[[Request, str], Awaitable[Response]]:
    async def route(request: Request, link: str) -> Response:
        words = catalog(request.query_params.get("lang"))
        try:
            guest = await _guest(request, links, link)
            if guest is None:
                return _gone(words)
            if needs_pass and not links.permits(guest.link, request.cookies.get(COOKIE, ""), time.time()):
                return see_other(guest.path())
            return await act(request, guest)
        except HallpassError as e:
            return _gone(words) if e.kind in _ENDED else _failed(e, words)

    return route


async def _guest(request: Request, links: Links, token: str) -> _Guest | None:
    """Who follows a link; None where it is none, has expired, or its sender is gone. Raises TOO_MANY."""
    state = request.app.state
    state.limits.stranger(request.scope)
    link = links.read(token, time.time())
    if link is None:
        return None
    async with state.db.begin() as connection:
        client = await clients.get(connection, link.client)
    if client is None or client.disabled is not None:
        return None
    return _Guest(token, link, client, links, catalog(request.query_params.get("lang") or link.language))


async def _arrive(request: Request, guest: _Guest) -> Response:
    return html(await _ask(request, guest, sent=False))


async def _ask(request: Request, guest: _Guest, *, sent: bool, wrong: str = "") -> str:
    """The page before the code: it shows nothing of the release."""
    hidden = ""
    if guest.link.proof == MAIL:
        mail = contact.address((await _visit(request, guest).find(proven=False)).signer)
        if mail is None:
            raise HallpassError(Kind.NOT_FOUND, "no address")
        hidden = contact.hidden(mail)
    else:
        await _visit(request, guest).find(proven=False)
    return guest.render("code.html", proof=guest.link.proof, contact=hidden, sent=sent, wrong=wrong)


async def _send_code(request: Request, guest: _Guest) -> Response:
    now, state = time.time(), request.app.state
    found = await _visit(request, guest).find(proven=False)
    mail = contact.address(found.signer) if guest.link.proof == MAIL else None
    if mail is None:
        return _gone(guest.words)
    if not await one_time.may(state.db, guest.client.id, f"mail {guest.link.mark}", now):
        return html(await _ask(request, guest, sent=True, wrong=guest.words("code.many")), 429)
    await send(state.settings, code_mail(guest.words, mail, guest.links.code(guest.link, now)))
    return html(await _ask(request, guest, sent=True))


async def _enter(request: Request, guest: _Guest) -> Response:
    """A pass for who has the code, once. Tries are counted; after some, no code is right until the next stretch."""
    fields = await form(request)
    db, now, mark = request.app.state.db, time.time(), guest.link.mark
    code = one_time.bare_code(fields.get("code", ""))
    judged = await one_time.may(db, guest.client.id, f"try {mark}", now)
    fits = judged and guest.links.fits(guest.link, code, now)
    if not (fits and await one_time.spend(db, guest.client.id, f"code {mark} {code}")):
        return html(await _ask(request, guest, sent=True, wrong=guest.words("code.wrong")), 403)
    response = see_other(guest.path(f"/read?lang={guest.words.language}"))
    set_cookie(request, response, COOKIE, guest.links.permit(guest.link, now), guest.path(), seconds=PASS_SECONDS)
    return response


async def _read(request: Request, guest: _Guest, wrong: str = "", status: int = 200) -> Response:
    found = await _visit(request, guest).find()
    text = guest.render(
        "read.html",
        wrong=wrong,
        version=found.consent["meta"]["versionId"],
        form_token=_form_token(request, guest),
        signer=page.signer(found, guest.words),
        **page.shown(found, guest.words),
    )
    response = html(text, status)
    response.headers["Content-Security-Policy"] = f"{POLICY}; script-src 'self'"
    return response


async def _act(request: Request, guest: _Guest) -> Response:
    fields = await form(request)
    if not hmac.compare_digest(fields.get("token", "").encode(), _form_token(request, guest).encode()):
        return see_other(guest.path())
    visit = _visit(request, guest)
    found = await visit.find()
    try:
        document = await visit.act(fields, guest.words, _proof(guest, found))
    except Unsigned as e:
        return await _read(request, guest, guest.words(e.key), 422)
    except HallpassError as e:
        if e.kind not in _TOLD:
            raise
        return await _read(request, guest, guest.words(_TOLD[e.kind]), e.status)
    await _tell(request, guest, found, document)
    return see_other(guest.path(f"/done?document={document}&lang={guest.words.language}"))


async def _tell(request: Request, guest: _Guest, found: Found, document: str) -> None:
    """A mail to the address on file, with the link by which it can be ended. Without it what was signed is signed."""
    mail, settings = contact.address(found.signer), request.app.state.settings
    if mail is None or settings.smtp_url is None:
        return
    told = ended_mail(guest.words, mail) if guest.link.act == END else _signed_mail(request, guest, mail)
    try:
        await send(settings, told)
    except HallpassError:
        return


def _signed_mail(request: Request, guest: _Guest, mail: str) -> tuple[str, str, str]:
    link = end_link(guest.link, guest.words.language, time.time())
    return signed_mail(guest.words, mail, f"{request.app.state.settings.base_url}/sign/{guest.links.token(link)}")


def end_link(link: Link, language: str, now: float) -> Link:
    """The link by which who signed can end it."""
    return Link(link.client, link.consent, link.signer, END, MAIL, language, int(now) + LINK_SECONDS[END])


async def _done(request: Request, guest: _Guest) -> Response:
    document = request.query_params.get("document", "")
    visit = _visit(request, guest)
    await visit.copy(document)
    act = guest.link.act
    waits = act == SIGN and await visit.status() == "proposed"
    text = guest.words("done.two" if waits else f"done.{act}")
    return html(guest.render("done.html", text=text, document=document))


async def _copy(request: Request, guest: _Guest) -> Response:
    found = await _visit(request, guest).copy(request.query_params.get("document", ""))
    return html(found.decode())


def _proof(guest: _Guest, found: Found) -> str:
    """How it is known who signs, in words."""
    if guest.link.proof == MAIL:
        return guest.words("copy.mail", contact=contact.hidden(contact.address(found.signer) or ""))
    return guest.words("copy.office", witness=guest.client.name)


def _visit(request: Request, guest: _Guest) -> Visit:
    state = request.app.state
    return Visit(state.access_service, state.settings, guest.client, guest.link, request.state.request_id)


def _form_token(request: Request, guest: _Guest) -> str:
    return guest.links.form_token(request.cookies.get(COOKIE, ""))


def failed(error: HallpassError) -> Response:
    """An error that no page of these has shown, as a page."""
    return _failed(error, catalog(None))


def _failed(error: HallpassError, words: Catalog) -> Response:
    text = words("failed.many" if error.kind is Kind.TOO_MANY else "failed.now")
    shown = page.render("message.html", words, title=words("failed.title"), text=text)
    return refused(error, html(shown, error.status))


def _gone(words: Catalog) -> Response:
    return html(page.render("message.html", words, title=words("gone.title"), text=words("gone")), 404)
