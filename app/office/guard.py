"""What stands before each page of the office: who is signed in, whose form it is, and how an error looks.

Another site can neither send a form (its token is bound to the session, the cookie is SameSite=Strict) nor frame one.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from fastapi import APIRouter, Request, Response

from app.errors import HallpassError, Kind
from app.office.sessions import Session, form_token, staff_of
from app.office.templates import render
from app.office.visit import Visit
from app.web import form, html, in_words, refused, see_other

COOKIE = "hallpass-office"
PATH = "/office"
Show = Callable[[Request, Visit], Awaitable[Response]]


class NotOurs(HallpassError):
    """A form without the token of the browser that sends it."""

    def __init__(self) -> None:
        super().__init__(Kind.FORBIDDEN, "The form is too old, or not one of this page's. Go back, and send it again.")


def get(router: APIRouter, path: str, show: Show) -> None:
    """Serve a page to who is signed in."""

    async def route(request: Request) -> Response:
        return await _guarded(request, show)

    router.add_api_route(path, route, methods=["GET"])


def post(router: APIRouter, path: str, act: Show) -> None:
    """Take a form of who is signed in, if it is one of ours."""

    async def route(request: Request) -> Response:
        async def sent(request: Request, visit: Visit) -> Response:
            fields = await form(request)
            require_token(fields, visit.token)
            return await act(request, replace(visit, form=fields))

        return await _guarded(request, sent)

    router.add_api_route(path, route, methods=["POST"])


def require_token(fields: Mapping[str, str], token: str) -> None:
    """Raise FORBIDDEN for a form that does not carry the token of this browser."""
    if not hmac.compare_digest(fields.get("token", "").encode(), token.encode()):
        raise NotOurs


async def visit_of(request: Request) -> Visit | None:
    """Who is signed in; None: nobody. Raises TOO_MANY: a guess counts against its address."""
    state = request.app.state
    session = Session(request.cookies.get(COOKIE, ""))
    if not session.secret:
        return None
    state.limits.stranger(request.scope)
    staff = await staff_of(state.db, session)
    if staff is None:
        return None
    state.limits.no_stranger(request.scope)
    caller = staff.caller(session.token)
    request.state.caller = caller
    await state.limits.enter(request.scope, caller.client)
    token = form_token(state.keyring, session.secret)
    return Visit(staff, session, caller, state.access_service, state.settings, request.state.request_id, token)


def failed(error: HallpassError, visit: Visit | None = None) -> Response:
    """An error as a page."""
    title, text = in_words(error)
    if isinstance(error, NotOurs):
        title, text = "This did not work", error.issues[0].text
    values = {"title": title, "text": text, "back": PATH, "back_text": "To the first page"}
    page = visit.page if visit else stranger
    return refused(error, page("message.html", error.status, **values))


def stranger(template: str, status: int = 200, **values: object) -> Response:
    """A page for who is not signed in."""
    return html(render(template, staff=None, **values), status)


async def _guarded(request: Request, show: Show) -> Response:
    visit = None
    try:
        visit = await visit_of(request)
        return see_other("/office/sign-in") if visit is None else await show(request, visit)
    except HallpassError as e:
        return see_other("/office/sign-in") if e.kind is Kind.LOGIN else failed(e, visit)
