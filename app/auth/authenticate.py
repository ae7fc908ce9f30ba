"""Who uses an authorization endpoint: a client, by its assertion or, to look after tokens, by a token of its own.
https://datatracker.ietf.org/doc/html/rfc7521#section-4.2
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from fastapi import Request

from app.auth.assertions import Authenticated
from app.auth.bearer import CHALLENGE, presented
from app.auth.oauth import OAuthCode, OAuthError
from app.auth.service import Auth
from app.errors import HallpassError, Kind

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True, slots=True)
class Principal:
    """A client that has proved itself, and its organization."""

    client: str
    organization: UUID


async def by_assertion(auth: Auth, form: dict[str, str]) -> Authenticated:
    """The client that the form's assertion proves.

    Raises OAuthError: invalid_request for a form without one, invalid_client for one that does not hold.
    """
    _require_type(form)
    if "client_assertion" not in form:
        raise OAuthError(OAuthCode.INVALID_REQUEST, "client_assertion is missing.")
    found = await auth.assertions.check(form["client_assertion"])
    if form.get("client_id", found.client.id) != found.client.id:
        raise OAuthError(OAuthCode.INVALID_CLIENT, "client_id is not the assertion's client.")
    return found


async def principal(auth: Auth, request: Request, form: dict[str, str]) -> Principal:
    """Who asks about a token. Raises OAuthError as `by_assertion`, and invalid_token with status 401."""
    if "client_assertion_type" in form:
        _require_type(form)
    if "client_assertion" in form:
        if "Authorization" in request.headers:
            raise OAuthError(OAuthCode.INVALID_REQUEST, "Authenticate in one way only.")
        client = (await by_assertion(auth, form)).client
        return Principal(client.id, client.organization)
    try:
        caller = (await presented(request, auth)).caller
    except HallpassError as e:
        if e.kind is Kind.TOO_MANY:
            raise OAuthError(OAuthCode.SLOW_DOWN, e.issues[0].text, status=e.status, headers=e.headers) from None
        if e.kind is not Kind.LOGIN:
            raise
        raise _login(e.issues[0].text, e.headers) from None
    if not await auth.tokens.stands(caller):
        raise _login(
            "The access token is not valid or has expired. Request a new one.",
            {"WWW-Authenticate": f'{CHALLENGE}, error="invalid_token"'},
        )
    return Principal(caller.client, caller.organization)


def _require_type(form: dict[str, str]) -> None:
    if form.get("client_assertion_type") != ASSERTION_TYPE:
        raise OAuthError(OAuthCode.INVALID_REQUEST, f"client_assertion_type is {ASSERTION_TYPE}.")


def _login(description: str, headers: dict[str, str]) -> OAuthError:
    return OAuthError(OAuthCode.INVALID_TOKEN, description, status=401, headers=headers)
