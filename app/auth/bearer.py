"""Who calls, by the bearer token in the Authorization header and nowhere else.
https://datatracker.ietf.org/doc/html/rfc6750
"""

from __future__ import annotations

from fastapi import Request

from app.auth.jose import BadToken, read
from app.auth.service import Auth
from app.auth.tokens import Token
from app.caller import Caller
from app.errors import HallpassError, Kind

CHALLENGE = 'Bearer realm="hallpass"'
_NONE = "Send an access token, as Authorization: Bearer; GET /fhir/.well-known/smart-configuration says who gives it."
_BAD = "The access token does not hold: it has expired, was revoked, or is not one of this server's."


async def bearer(request: Request) -> Caller:
    """The verified caller of a request: a FastAPI dependency.

    Raises HallpassError(LOGIN): one answer without a token, and one for every token that does not hold.
    """
    auth: Auth = request.app.state.auth
    return (await presented(request, auth)).caller


async def presented(request: Request, auth: Auth) -> Token:
    """The token of a request, verified. Raises as `bearer` does, and TOO_MANY where too few of an address hold."""
    headers = request.headers.getlist("Authorization")
    scheme, _, token = (headers[0] if headers else "").partition(" ")
    token = token.strip(" ")
    well_formed = len(headers) == 1 and scheme.lower() == "bearer"
    if well_formed and (known := auth.tokens.known(token)) is not None:
        return known
    auth.limits.stranger(request.scope)  # before the work of finding out whether the token holds
    if not headers:
        raise HallpassError(Kind.LOGIN, _NONE, headers={"WWW-Authenticate": CHALLENGE})
    try:
        if not well_formed:
            raise BadToken("not one bearer token")
        found = await auth.tokens.read(token)
    except BadToken as e:
        await auth.refusal_log.refusal("token", claimed(token), str(e))
        challenge = f'{CHALLENGE}, error="invalid_token", error_description="{_BAD}"'
        raise HallpassError(Kind.LOGIN, _BAD, headers={"WWW-Authenticate": challenge}) from None
    auth.limits.no_stranger(request.scope)
    return found


def claimed(token: str) -> str:
    """The client that a JWT says it is of, verified or not; an empty text where it says none."""
    try:
        claims = read(token)[1]
    except BadToken:
        return ""
    client = claims.get("client_id", claims.get("sub"))
    return client if isinstance(client, str) else ""
