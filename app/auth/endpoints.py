"""The authorization server's routes: token, introspection, revocation, keys and the SMART configuration.
https://hl7.org/fhir/smart-app-launch/STU2.2/backend-services.html
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from app.auth.authenticate import Principal, principal
from app.auth.bearer import claimed
from app.auth.discovery import smart_configuration
from app.auth.form import read_form
from app.auth.introspection import introspect, revoke
from app.auth.issue import issue
from app.auth.oauth import OAuthCode, OAuthError, slowed
from app.auth.service import TOKEN_PATH, Auth

NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
CONFIGURATION = "/.well-known/smart-configuration"
OPEN = {"Access-Control-Allow-Origin": "*"}


def auth_router(auth: Auth) -> APIRouter:
    """All routes of the authorization server `auth`; none of them serves a record."""
    router = APIRouter(tags=["auth"])
    _token_routes(router, auth)
    _public_routes(router, auth)
    return router


def _token_routes(router: APIRouter, auth: Auth) -> None:
    @router.post(TOKEN_PATH, operation_id="token", summary="Get an access token")
    async def token(request: Request) -> Response:
        return await _answer(_issued(auth, request))

    @router.post("/auth/introspect", operation_id="introspectToken", summary="Ask about a token")
    async def introspection(request: Request) -> Response:
        return await _answer(_introspected(auth, request))

    @router.post("/auth/revoke", operation_id="revokeToken", summary="End a token")
    async def revocation(request: Request) -> Response:
        return await _answer(_revoked(auth, request))


def _public_routes(router: APIRouter, auth: Auth) -> None:
    @router.get("/auth/jwks", operation_id="jwks", summary="The keys that verify access tokens")
    async def jwks() -> Response:
        return JSONResponse(await auth.keys.published(), headers={**OPEN, "Cache-Control": "max-age=60"})

    @router.get(CONFIGURATION, operation_id="smartConfiguration", summary="The SMART configuration")
    @router.get(f"/fhir{CONFIGURATION}", operation_id="smartConfigurationOfFhir", summary="The SMART configuration")
    async def configuration() -> Response:
        return JSONResponse(smart_configuration(auth.settings.base_url), headers=OPEN)


async def _issued(auth: Auth, request: Request) -> dict[str, Any]:
    slowed(auth.limits.stranger, request.scope)
    form = await read_form(request)
    if "Authorization" in request.headers:
        # RFC 6749 5.2: who tries the header is answered 401, with the scheme that there is.
        text, challenge = "Authenticate by client_assertion.", {"WWW-Authenticate": 'Bearer realm="hallpass"'}
        raise OAuthError(OAuthCode.INVALID_CLIENT, text, status=401, headers=challenge)
    try:
        answer = await issue(auth, form)
        auth.limits.no_stranger(request.scope)
    except OAuthError as e:
        await auth.refusal_log.refusal(
            "login", claimed(form.get("client_assertion", "")), f"{e.code.value}: {e.description}"
        )
        raise
    await auth.refusal_log.login(claimed(form["client_assertion"]), f"a token for {answer['scope']}")
    return answer


async def _introspected(auth: Auth, request: Request) -> dict[str, Any]:
    asks, form = await _principal(auth, request)
    return await introspect(auth, asks, form)


async def _revoked(auth: Auth, request: Request) -> dict[str, Any]:
    asks, form = await _principal(auth, request)
    await revoke(auth, asks, form)
    return {}


async def _principal(auth: Auth, request: Request) -> tuple[Principal, dict[str, str]]:
    """Who asks about a token, and the form. Counted against its address until it has proved itself, then against it."""
    slowed(auth.limits.stranger, request.scope)
    form = await read_form(request)
    found = await principal(auth, request, form)
    auth.limits.no_stranger(request.scope)
    slowed(auth.limits.count, found.client)
    return found, form


async def _answer(work: Awaitable[dict[str, Any]]) -> Response:
    """The JSON of a result or of an OAuth error, kept by no cache."""
    try:
        return JSONResponse(await work, headers=NO_STORE)
    except OAuthError as e:
        body = {"error": e.code.value, "error_description": e.description}
        return JSONResponse(body, status_code=e.status, headers={**e.headers, **NO_STORE})
