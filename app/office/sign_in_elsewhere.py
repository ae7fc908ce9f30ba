"""Signing in by a member's own provider, and coming back from it. docs/guides/office.md

What the browser has to come back with is sealed in a cookie of ten minutes. It is SameSite=Lax, since another site
leads back; the session's cookie is Strict, so that a page of ours leads on to the office.
"""

from __future__ import annotations

import json
import logging
import secrets
import time
from dataclasses import astuple

from fastapi import APIRouter, Request, Response
from sqlalchemy import text

from app.errors import HallpassError, not_found
from app.keyring import Keyring, WrongKey
from app.office import providers
from app.office.guard import failed, stranger
from app.office.openid import Flow, NotVouched, OpenId, Vouched, begin
from app.office.providers import Provider
from app.office.sessions import begin as begin_session
from app.office.sign_in import signed_in
from app.web import HEADERS

log = logging.getLogger("hallpass.audit")
COOKIE = "hallpass-office-openid"
PATH = "/office/sign-in"
FLOW_SECONDS = 600
_SEALED = "office openid"
_VOUCHED = text("SELECT hallpass.vouched_staff(:organization, :issuer, :subject, :address)")
_REFUSED: dict[str, object] = {
    "title": "You are not signed in",
    "text": "Your organization's sign-in did not say who you are, or you are not of the staff that uses the office. "
    "Ask your privacy officer, or the operator of the exchange.",
    "back": "",
}


def add(router: APIRouter) -> None:
    """The routes."""
    router.add_api_route("/office/sign-in/{name}", _begin, methods=["GET"])
    router.add_api_route("/office/sign-in/{name}/back", _back, methods=["GET"])


async def _begin(request: Request) -> Response:
    """To the provider."""
    try:
        provider, openid = await _provider(request)
        flow = begin(provider.name, FLOW_SECONDS)
        address = await openid.address(flow, _back_address(request, provider))
    except HallpassError as e:
        return failed(e)
    response = Response(status_code=303, headers={**HEADERS, "Location": address})
    response.set_cookie(
        COOKIE,
        _keyring(request).seal(_SEALED, json.dumps(astuple(flow))),
        max_age=FLOW_SECONDS,
        path=PATH,
        secure=request.app.state.settings.base_url.startswith("https://"),
        httponly=True,
        samesite="lax",
    )
    return response


async def _back(request: Request) -> Response:
    """From the provider: a session for who it vouches for, if they are of the staff."""
    try:
        provider, openid = await _provider(request)
        flow = _flow(request, provider)
        code = request.query_params.get("code", "")
        if flow is None or not code:
            raise NotVouched("not the browser that began, or no code")
        session = None
        client = await _staff(request, provider, await openid.vouched(flow, code, _back_address(request, provider)))
        if client is not None:
            session = await begin_session(request.app.state.db, client, f"office: {provider.name}")
        if session is None:
            raise NotVouched("nobody of the staff")
        page = stranger("back.html")
        await signed_in(request, page, session)
    except NotVouched as e:
        log.warning("a sign-in was refused: %s", e)
        page = stranger("message.html", 403, **_REFUSED)
    except HallpassError as e:
        page = failed(e)
    page.delete_cookie(COOKIE, path=PATH)
    return page


async def _provider(request: Request) -> tuple[Provider, OpenId]:
    """The provider of the page, and the way to it. Raises NOT_FOUND, TOO_MANY."""
    state = request.app.state
    state.limits.stranger(request.scope)
    found = await providers.named(state.db, _keyring(request), request.path_params["name"])
    if found is None:
        raise not_found()
    return found, OpenId(found, allow_http=state.settings.allow_http_jwks)


def _flow(request: Request, provider: Provider) -> Flow | None:
    """What this browser began, if this is its end. RFC 9207: a provider that names itself is the one that was asked."""
    try:
        flow = Flow(*json.loads(_keyring(request).open(_SEALED, request.cookies.get(COOKIE, ""))))
    except (WrongKey, ValueError, TypeError):
        return None
    query = request.query_params
    same = secrets.compare_digest(query.get("state", "").encode(), flow.state.encode())
    issuer = query.get("iss", provider.issuer)
    return (
        flow
        if same and flow.provider == provider.name and issuer == provider.issuer and time.time() < flow.until
        else None
    )


async def _staff(request: Request, provider: Provider, who: Vouched) -> str | None:
    values = {
        "organization": provider.organization,
        "issuer": who.issuer,
        "subject": who.subject,
        "address": who.address,
    }
    async with request.app.state.db.begin() as connection:
        found: str | None = await connection.scalar(_VOUCHED, values)
    return found


def _back_address(request: Request, provider: Provider) -> str:
    return f"{request.app.state.settings.base_url}{PATH}/{provider.name}/back"


def _keyring(request: Request) -> Keyring:
    found: Keyring = request.app.state.keyring
    return found
