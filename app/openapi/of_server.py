"""The paths beside the FHIR service: tokens, keys, the SMART configuration, health, and this document.

https://hl7.org/fhir/smart-app-launch/STU2.2/backend-services.html
"""

from __future__ import annotations

from typing import Any

from app.auth.authenticate import ASSERTION_TYPE
from app.auth.form import TYPE as FORM
from app.auth.issue import GRANT_TYPE
from app.auth.oauth import OAuthCode
from app.auth.service import TOKEN_PATH
from app.openapi import answers
from app.openapi.operation import operation
from app.openapi.schemas import ref as schema

Json = dict[str, Any]
AUTH, SERVER = "Authorization", "Server"
_TEXT: Json = {"type": "string"}
_TEXTS: Json = {"type": "array", "items": _TEXT}
_URL: Json = {"type": "string", "format": "uri"}
_CLIENT: Json = {
    "client_assertion_type": {"type": "string", "const": ASSERTION_TYPE},
    "client_assertion": {"type": "string", "description": "A JWT that the client signed (RFC 7523)."},
    "client_id": {"type": "string", "description": "If it is there, the assertion's client."},
}

SCHEMAS: dict[str, Json] = {
    "Token": {
        "type": "object",
        "required": ["access_token", "token_type", "expires_in", "scope", "organization"],
        "properties": {
            "access_token": _TEXT,
            "token_type": {"type": "string", "const": "bearer"},
            "expires_in": {"type": "integer", "minimum": 1, "description": "Seconds."},
            "scope": {"type": "string", "description": "What was granted, which may be less than was asked."},
            "organization": {"type": "string", "format": "uuid", "description": "For which the client calls."},
        },
    },
    "OAuthError": {
        "type": "object",
        "description": "RFC 6749 section 5.2.",
        "required": ["error", "error_description"],
        "properties": {"error": {"type": "string", "enum": [c.value for c in OAuthCode]}, "error_description": _TEXT},
    },
    "Introspection": {
        "type": "object",
        "description": "RFC 7662: of a token of another organization, only that it is not active.",
        "required": ["active"],
        "properties": {
            "active": {"type": "boolean"},
            "token_type": {"type": "string", "const": "bearer"},
            **dict.fromkeys(("iss", "sub", "aud", "jti", "scope", "client_id"), _TEXT),
            **{n: {"type": "integer"} for n in ("iat", "exp")},
        },
    },
    "KeySet": {
        "type": "object",
        "description": "A JWKS (RFC 7517).",
        "required": ["keys"],
        "properties": {"keys": {"type": "array", "items": {"type": "object", "required": ["kty", "kid"]}}},
    },
    "SmartConfiguration": {
        "type": "object",
        "required": ["token_endpoint", "grant_types_supported", "capabilities"],
        "properties": {
            **dict.fromkeys(("token_endpoint", "introspection_endpoint", "revocation_endpoint", "jwks_uri"), _URL),
            **dict.fromkeys(
                (
                    "grant_types_supported",
                    "token_endpoint_auth_methods_supported",
                    "token_endpoint_auth_signing_alg_values_supported",
                    "introspection_endpoint_auth_methods_supported",
                    "revocation_endpoint_auth_methods_supported",
                    "code_challenge_methods_supported",
                    "scopes_supported",
                    "capabilities",
                ),
                _TEXTS,
            ),
        },
    },
    "Health": {
        "type": "object",
        "required": ["status"],
        "properties": {"status": {"type": "string", "enum": ["ok", "draining", "no database", "no standby"]}},
    },
}


_SLOW_DOWN: Json = {
    "description": "Too many requests. Use each token until it expires.",
    "headers": answers.headers("Retry-After"),
    "content": {answers.PLAIN_JSON: {"schema": schema("OAuthError")}},
}


def paths() -> dict[str, Json]:
    """The path items, by path."""
    configuration = "/.well-known/smart-configuration"
    return {
        TOKEN_PATH: {"post": _token()},
        "/auth/introspect": {"post": _about_token("introspectToken", "Ask about a token", "Introspection")},
        "/auth/revoke": {"post": _about_token("revokeToken", "End a token", None)},
        "/auth/jwks": {"get": _public("jwks", "The keys that verify access tokens", AUTH, schema("KeySet"))},
        configuration: {"get": _configuration("smartConfiguration")},
        f"/fhir{configuration}": {"get": _configuration("smartConfigurationOfFhir")},
        "/health": {"get": _public("health", "Whether the server can serve", SERVER, schema("Health"))},
        "/health/live": {"get": _public("live", "Whether the process answers", SERVER, schema("Health"))},
        "/health/ready": {"get": _public("ready", "Whether requests should be sent here", SERVER, schema("Health"))},
        "/openapi.json": {"get": _public("openapiJson", "This document", SERVER, {"type": "object"})},
        "/": {"get": _document("front", "Where to go from here, for people", "text/html", "string")},
        "/docs": {"get": _document("docs", "This document for people", "text/html", "string")},
        "/docs/{asset}": {"get": _asset()},
    }


def _form(required: tuple[str, ...], fields: Json) -> Json:
    """Each field once; what is not known is left alone (RFC 6749, 3.2)."""
    form = {
        "type": "object",
        "required": list(required),
        "properties": fields,
        "additionalProperties": {"type": "string"},
    }
    return {"required": True, "content": {FORM: {"schema": form}}}


def _plain(description: str, body: Json) -> Json:
    return {"description": description, "content": {answers.PLAIN_JSON: {"schema": body}}}


def _token() -> Json:
    fields = {
        "grant_type": {"type": "string", "const": GRANT_TYPE},
        "scope": {"type": "string", "minLength": 1, "description": "Scopes, separated by spaces."},
        **_CLIENT,
        "purpose_of_use": {"type": "string", "description": "Codes of v3-ActReason, separated by spaces."},
    }
    found = operation(
        "token",
        "Get an access token",
        AUTH,
        body=_form(("grant_type", "scope", "client_assertion_type", "client_assertion"), fields),
        success={200: _plain("A token.", schema("Token")), 400: _plain("A refusal.", schema("OAuthError"))},
        public=True,
    )
    refused = _plain(
        "The Authorization header was used, which is not a way to authenticate here.", schema("OAuthError")
    )
    found["responses"]["401"] = {**refused, "headers": answers.headers("WWW-Authenticate")}
    found["responses"]["429"] = _SLOW_DOWN
    return found


def _about_token(operation_id: str, summary: str, result: str | None) -> Json:
    """A client authenticates by a token of its own, or by an assertion in the form: then security is not asked."""
    fields = {"token": {"type": "string", "minLength": 1, "description": "An access token."}, **_CLIENT}
    found = operation(
        operation_id,
        summary,
        AUTH,
        body=_form(("token",), fields),
        success={
            200: _plain("The answer.", schema(result) if result else {"type": "object"}),
            400: _plain("A refusal.", schema("OAuthError")),
        },
    )
    found["security"].append({})
    refused = _plain("The request is not authenticated.", schema("OAuthError"))
    found["responses"]["401"] = {**refused, "headers": answers.headers("WWW-Authenticate")}
    found["responses"]["429"] = _SLOW_DOWN
    return found


def _public(operation_id: str, summary: str, tag: str, body: Json) -> Json:
    success = {200: _plain(f"{summary}.", body)}
    return operation(operation_id, summary, tag, success=success, public=True)


def _configuration(operation_id: str) -> Json:
    return _public(operation_id, "The SMART configuration", AUTH, schema("SmartConfiguration"))


def _document(operation_id: str, summary: str, media_type: str, read_as: str) -> Json:
    success = {200: {"description": f"{summary}.", "content": {media_type: {"schema": {"type": read_as}}}}}
    return operation(operation_id, summary, SERVER, success=success, public=True)


def _asset() -> Json:
    found = _document("docsAsset", "A part of the page for people", "text/plain", "string")
    found["parameters"] = [{"name": "asset", "in": "path", "required": True, "schema": _TEXT}]
    found["responses"]["200"] = {"description": "The part.", "content": {"*/*": {}}}
    return found
