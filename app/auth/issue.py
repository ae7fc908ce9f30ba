"""The token request: an assertion for an access token.
https://hl7.org/fhir/smart-app-launch/STU2.2/backend-services.html#obtain-access-token
"""

from __future__ import annotations

from typing import Any

from app.auth.agent import agent
from app.auth.authenticate import by_assertion
from app.auth.oauth import OAuthCode, OAuthError, slowed
from app.auth.purposes import asked, granted
from app.auth.service import Auth
from app.scopes import grant

GRANT_TYPE = "client_credentials"


async def issue(auth: Auth, form: dict[str, str]) -> dict[str, Any]:
    """The body of a token response. Raises OAuthError."""
    if "grant_type" not in form:
        raise OAuthError(OAuthCode.INVALID_REQUEST, "grant_type is missing.")
    if form["grant_type"] != GRANT_TYPE:
        raise OAuthError(OAuthCode.UNSUPPORTED_GRANT_TYPE, f"grant_type is {GRANT_TYPE}.")
    if "scope" not in form:
        raise OAuthError(OAuthCode.INVALID_SCOPE, "scope is missing.")
    found = await by_assertion(auth, form)
    slowed(auth.limits.login, found.client.id)
    client = found.client
    purposes = granted(asked(form.get("purpose_of_use"), found.claims), client.purposes, emergency=client.emergency)
    scopes = grant(form["scope"], client.held)
    if not scopes.scopes:
        raise OAuthError(OAuthCode.INVALID_SCOPE, "The client is registered for none of these scopes.")
    return {
        "access_token": await auth.tokens.issue_token(client, scopes, purposes, agent(found.claims)),
        "token_type": "bearer",
        "expires_in": auth.settings.token_seconds,
        "scope": scopes.text,
        "organization": str(client.organization),
    }
