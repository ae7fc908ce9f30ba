"""The authorization server's routes: token, introspection, revocation, keys and the SMART configuration.
https://hl7.org/fhir/smart-app-launch/STU2.2/backend-services.html
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from app.auth.authenticate import ASSERTION_TYPE, principal
from app.auth.discovery import smart_configuration
from app.auth.form import TYPE, read_form
from app.auth.issue import GRANT_TYPE, issue
from app.auth.oauth import OAuthCode, OAuthError
from app.auth.service import TOKEN_PATH, Auth
from app.auth.tending import introspect, revoke

NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
OPEN = {"Access-Control-Allow-Origin": "*"}
CLIENT = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": "A JWT that the client signed."}
REFUSED: dict[int | str, dict[str, Any]] = {400: {"description": "An error of RFC 6749 section 5.2."}}
DENIED: dict[int | str, dict[str, Any]] = {**REFUSED, 401: {"description": "The request is not authenticated."}}


def auth_router(auth: Auth) -> APIRouter:
    """All routes of the authorization server `auth`; none of them serves a record."""
    router = APIRouter(tags=["auth"])
    _token_routes(router, auth)
    _public_routes(router, auth)
    return router


def _token_routes(router: APIRouter, auth: Auth) -> None:
    about = {"token": "An access token."}
    fields = {"grant_type": GRANT_TYPE, "scope": "Scopes, separated by spaces.", **CLIENT}
    optional = {"purpose_of_use": "Codes of v3-ActReason, separated by spaces."}

    @router.post(TOKEN_PATH, summary="Get an access token", responses=REFUSED, openapi_extra=_form(fields, optional))
    async def token(request: Request) -> Response:
        return await _answer(_issued(auth, request))

    @router.post("/auth/introspect", summary="Ask about a token", responses=DENIED, openapi_extra=_form(about, CLIENT))
    async def introspection(request: Request) -> Response:
        return await _answer(_introspected(auth, request))

    @router.post("/auth/revoke", summary="End a token", responses=DENIED, openapi_extra=_form(about, CLIENT))
    async def revocation(request: Request) -> Response:
        return await _answer(_revoked(auth, request))


def _public_routes(router: APIRouter, auth: Auth) -> None:
    @router.get("/auth/jwks", summary="The keys that verify access tokens")
    async def jwks() -> Response:
        return JSONResponse(await auth.keys.published(), headers={**OPEN, "Cache-Control": "max-age=60"})

    @router.get("/.well-known/smart-configuration", summary="The SMART configuration")
    @router.get("/fhir/.well-known/smart-configuration", summary="The SMART configuration")
    async def configuration() -> Response:
        return JSONResponse(smart_configuration(auth.settings.base_url), headers=OPEN)


async def _issued(auth: Auth, request: Request) -> dict[str, Any]:
    form = await read_form(request)
    if "Authorization" in request.headers:
        # RFC 6749 5.2: who tries the header is answered 401, with the scheme that there is.
        text, challenge = "Authenticate by client_assertion.", {"WWW-Authenticate": 'Bearer realm="hallpass"'}
        raise OAuthError(OAuthCode.INVALID_CLIENT, text, status=401, headers=challenge)
    return await issue(auth, form)


async def _introspected(auth: Auth, request: Request) -> dict[str, Any]:
    form = await read_form(request)
    return await introspect(auth, await principal(auth, request, form), form)


async def _revoked(auth: Auth, request: Request) -> dict[str, Any]:
    form = await read_form(request)
    await revoke(auth, await principal(auth, request, form), form)
    return {}


async def _answer(work: Awaitable[dict[str, Any]]) -> Response:
    """The JSON of a result or of an OAuth error, kept by no cache."""
    try:
        return JSONResponse(await work, headers=NO_STORE)
    except OAuthError as e:
        body = {"error": e.code.value, "error_description": e.description}
        return JSONResponse(body, status_code=e.status, headers={**e.headers, **NO_STORE})


def _form(required: dict[str, str], optional: dict[str, str]) -> dict[str, Any]:
    """The OpenAPI of a form body: the names of its fields, each with what it is."""
    fields = {name: {"type": "string", "description": text} for name, text in {**required, **optional}.items()}
    schema = {"type": "object", "required": list(required), "properties": fields}
    return {"requestBody": {"required": True, "content": {TYPE: {"schema": schema}}}}
