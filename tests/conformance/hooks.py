"""What schemathesis is told beside its settings: who calls, what it cannot know, and which findings are none, and why.

https://schemathesis.readthedocs.io/en/stable/guides/extending/
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import schemathesis

from app.auth import jose
from tests.world import claims

CLIENT, KEY, URL = (os.environ[f"CONFORMANCE_{name}"] for name in ("CLIENT", "KEY", "URL"))


@schemathesis.auth(refresh_interval=200)
class Member:
    """A member's token, got as its own program gets one, before the last one ends."""

    def get(self, _case: schemathesis.Case, _context: schemathesis.AuthContext) -> str:
        """A token."""
        audience = f"{URL}/auth/token"
        form = {
            "grant_type": "client_credentials",
            "scope": "system/*.cruds",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": jose.sign(claims(CLIENT, audience), json.loads(Path(KEY).read_text())),
        }
        found: str = httpx.post(audience, data=form).json()["access_token"]
        return found

    def set(self, case: schemathesis.Case, data: str, _context: schemathesis.AuthContext) -> None:
        """Send it."""
        case.headers["Authorization"] = f"Bearer {data}"
