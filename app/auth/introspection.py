"""Looking after tokens: introspection and revocation.
https://datatracker.ietf.org/doc/html/rfc7662 and https://datatracker.ietf.org/doc/html/rfc7009
"""

from __future__ import annotations

from typing import Any

from app.auth.authenticate import Principal
from app.auth.jose import BadToken
from app.auth.oauth import OAuthCode, OAuthError
from app.auth.service import Auth
from app.auth.tokens import Token

SHOWN = ("iss", "sub", "aud", "jti", "iat", "exp", "scope", "client_id")


async def introspect(auth: Auth, principal: Principal, form: dict[str, str]) -> dict[str, Any]:
    """What a token of the principal's own organization says; of any other, only that it is not active."""
    token = await _token(auth, form)
    if token is None or token.caller.organization != principal.organization:
        return {"active": False}
    if not await auth.tokens.stands(token.caller):
        return {"active": False}
    return {"active": True, "token_type": "bearer", **{name: token.claims[name] for name in SHOWN}}


async def revoke(auth: Auth, principal: Principal, form: dict[str, str]) -> None:
    """End a token of the principal's own; with any other nothing happens, and the answer does not tell."""
    token = await _token(auth, form)
    if token is not None and token.caller.client == principal.client:
        await auth.tokens.revoke(token)


async def _token(auth: Auth, form: dict[str, str]) -> Token | None:
    if "token" not in form:
        raise OAuthError(OAuthCode.INVALID_REQUEST, "token is missing.")
    try:
        return await auth.tokens.read(form["token"])
    except BadToken:
        return None
