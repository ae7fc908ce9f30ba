"""What the tests of requests send and look for."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx

from tests import build
from tests.scene import FAMILY

PLAIN = build.patient("S-1")
FHIR = {"Content-Type": "application/fhir+json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def refused(response: httpx.Response, status: int, code: str | None = None, expression: str | None = None) -> None:
    """The answer is an OperationOutcome that names the element, and gives away no record and nothing of the server."""
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"] == "application/fhir+json"
    body = response.json()
    assert body["resourceType"] == "OperationOutcome"
    issue = body["issue"][0]
    assert issue["severity"] == "error"
    assert issue["details"]["text"]
    assert "The request failed" not in issue["details"]["text"], "it says no more than its kind"
    assert code is None or issue["code"] == code
    if expression is not None:
        assert expression in [e for i in body["issue"] for e in i.get("expression", [])], body
    assert FAMILY not in response.text
    assert not [word for word in ("Traceback", "sqlalchemy", "asyncpg", 'File "', "hallpass.") if word in response.text]


def patient(**more: Any) -> dict[str, Any]:
    """A student like no other."""
    return build.patient(f"S-{uuid4().hex}", **more)


def key(resource: dict[str, Any]) -> str:
    """The condition that finds a student."""
    return f"identifier=urn:test:student|{resource['identifier'][0]['value']}"
