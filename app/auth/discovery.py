"""The SMART configuration document.
https://hl7.org/fhir/smart-app-launch/STU2.2/conformance.html#using-well-known
"""

from __future__ import annotations

from typing import Any

from app.auth.jose import ALGORITHMS
from app.scopes import EMERGENCY_TEXT

METHODS = ["private_key_jwt"]


def smart_configuration(base_url: str) -> dict[str, Any]:
    """What this server can do, with absolute URLs. It signs no one in, so it names no issuer."""
    return {
        "token_endpoint": f"{base_url}/auth/token",
        "token_endpoint_auth_methods_supported": METHODS,
        "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "grant_types_supported": ["client_credentials"],
        "scopes_supported": [
            *(f"system/*.{letters}" for letters in ("cruds", "rs", "read", "write", "*")),
            EMERGENCY_TEXT,
        ],
        "introspection_endpoint": f"{base_url}/auth/introspect",
        "introspection_endpoint_auth_methods_supported": METHODS,
        "revocation_endpoint": f"{base_url}/auth/revoke",
        "revocation_endpoint_auth_methods_supported": METHODS,
        "jwks_uri": f"{base_url}/auth/jwks",
        "code_challenge_methods_supported": ["S256"],
        "capabilities": ["client-confidential-asymmetric", "permission-v1", "permission-v2"],
    }
