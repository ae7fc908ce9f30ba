"""Signing in and out. A link is shown before it is used, so that a mail program that opens it does not use it up."""

from __future__ import annotations

import secrets

from fastapi import APIRouter, Request, Response

from app.errors import HallpassError
from app.office.guard import COOKIE, PATH, failed, post, require_token, stranger, visit_of
from app.office.sessions import WHOLE_SECONDS, Session, end, enter, form_token
from app.office.visit import Visit
from app.web import form, see_other, set_cookie

BEFORE = "hallpass-office-before"
"""The cookie of who is not signed in yet: it binds the form to the browser, so that no other site signs it in."""
BEFORE_SECONDS = 1800
ASK: dict[str, object] = {
    "title": "Sign in",
    "text": "Open the link that you were given. It signs you in once. If it was used or is older than a day, ask the "
    "operator of the exchange for a new one.",
    "back": "",
}
"""Of the page for who is not signed in."""


def add(router: APIRouter) -> None:
    """The routes."""

    router.add_api_route("/office/enter/{link}", _show, methods=["GET"])
    router.add_api_route("/office/enter/{link}", _enter, methods=["POST"])
    post(router, "/office/leave", _leave)


async def _show(request: Request) -> Response:
    """The button. It tells nothing of whether the link holds."""
    try:
        request.app.state.limits.stranger(request.scope)
    except HallpassError as e:
        return failed(e)
    before = request.cookies.get(BEFORE) or secrets.token_urlsafe(32)
    response = stranger("enter.html", link=request.path_params["link"], token=token_before(request, before))
    set_cookie(request, response, BEFORE, before, PATH, seconds=BEFORE_SECONDS)
    return response


async def _enter(request: Request) -> Response:
    state = request.app.state
    try:
        state.limits.stranger(request.scope)
        require_token(await form(request), token_before(request, request.cookies.get(BEFORE, "")))
        session = await enter(state.db, request.path_params["link"])
        if session is None:
            return stranger("message.html", 403, **ASK | {"title": "This link does not sign you in"})
        response = see_other(PATH)
        await signed_in(request, response, session)
        return response
    except HallpassError as e:
        return failed(e)


async def signed_in(request: Request, response: Response, session: Session) -> None:
    """Give the browser a new session in the place of the one before, which ends."""
    before = await visit_of(request)
    if before is not None:
        await end(request.app.state.db, before.session)
    set_cookie(request, response, COOKIE, session.secret, PATH, seconds=WHOLE_SECONDS)
    response.delete_cookie(BEFORE, path=PATH)


async def _leave(request: Request, visit: Visit) -> Response:
    await end(request.app.state.db, visit.session)
    response = see_other("/office/sign-in")
    response.delete_cookie(COOKIE, path=PATH)
    return response


def token_before(request: Request, before: str) -> str:
    """The token of a form before the sign-in; with no cookie one that no form has."""
    return form_token(request.app.state.keyring, f"before {before or secrets.token_urlsafe(32)}")
