"""Pages of passkeys: to make one, to remove them, and to sign in by one. docs/guides/office.md

They have the office's one script. Without scripts a one-time link signs in as before.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from fastapi import APIRouter, Request, Response

from app.errors import HallpassError
from app.office import passkeys
from app.office.guard import PATH, failed, get, post, require_token, stranger
from app.office.passkeys import Site
from app.office.sessions import Session
from app.office.sign_in import ASK, BEFORE, BEFORE_SECONDS, signed_in, token_before
from app.office.templates import SCRIPT
from app.office.visit import Visit
from app.web import POLICY, form, script, see_other, set_cookie

PAGE = "/office/passkeys"


def add(router: APIRouter) -> None:
    """The routes."""

    async def passkey_script() -> Response:
        return script(SCRIPT)

    router.add_api_route("/office/passkey.js", passkey_script, methods=["GET"])
    router.add_api_route("/office/sign-in", _ask, methods=["GET"])
    router.add_api_route("/office/sign-in", _enter, methods=["POST"])
    get(router, PAGE, _show)
    post(router, PAGE, _change)


async def _show(request: Request, visit: Visit, wrong: str = "", status: int = 200) -> Response:
    state, place = request.app.state, _site(request)
    given = passkeys.challenge(state.keyring, visit.session.secret)
    number = await passkeys.count(state.db, visit.session)
    options = passkeys.to_register(place, visit.staff, given) if place and number < passkeys.MOST else ""
    shown = visit.page("passkeys.html", status, wrong=wrong, number=number, options=options, challenge=given.hex())
    return _with_script(shown)


async def _change(request: Request, visit: Visit) -> Response:
    state, place, fields = request.app.state, _site(request), visit.form
    if fields.get("remove") == "yes":
        await passkeys.count(state.db, visit.session, remove=True)
        return see_other(PAGE)
    made = place is not None and await passkeys.register(
        state.db, state.keyring, place, visit.session, visit.caller.client, fields.get("credential", ""), _given(fields)
    )
    return see_other(PAGE) if made else await _show(request, visit, "No passkey was made. Try again.", 422)


async def _ask(request: Request) -> Response:
    """The way to sign in: the link that was given, and a passkey where browsers have them."""
    place = _site(request)
    if place is None:
        return stranger("message.html", 200, **ASK)
    state, before = request.app.state, request.cookies.get(BEFORE) or secrets.token_urlsafe(32)
    given = passkeys.challenge(state.keyring, before)
    options, token = passkeys.to_sign_in(place, given), token_before(request, before)
    response = stranger("sign_in.html", 200, **ASK, options=options, challenge=given.hex(), token=token)
    set_cookie(request, response, BEFORE, before, PATH, seconds=BEFORE_SECONDS)
    return _with_script(response)


async def _enter(request: Request) -> Response:
    state, place = request.app.state, _site(request)
    before = request.cookies.get(BEFORE, "")
    try:
        state.limits.stranger(request.scope)
        fields = await form(request)
        require_token(fields, token_before(request, before))
        session: Session | None = None
        if place is not None:
            answer = fields.get("credential", "")
            session = await passkeys.sign_in(state.db, state.keyring, place, before, answer, _given(fields))
        if session is None:
            return stranger("message.html", 403, **ASK | {"title": "This passkey does not sign you in"})
        response = see_other(PATH)
        await signed_in(request, response, session)
        return response
    except HallpassError as e:
        return failed(e)


def _site(request: Request) -> Site | None:
    return passkeys.site(request.app.state.settings.base_url)


def _given(fields: Mapping[str, str]) -> bytes:
    """The challenge that a form gives back."""
    try:
        return bytes.fromhex(fields.get("challenge", ""))
    except ValueError:
        return b""


def _with_script(page: Response) -> Response:
    page.headers["Content-Security-Policy"] = f"{POLICY}; script-src 'self'"
    return page
