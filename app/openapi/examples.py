"""The examples of the document: exchanges that were performed; a test performs them again.

https://spec.openapis.org/oas/v3.1.1#example-object
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

Json = dict[str, Any]


@cache
def _performed() -> Json:
    text = files("app.openapi").joinpath("examples.json").read_text(encoding="utf-8")
    found: Json = json.loads(text)
    return found


def of_body(operation_id: str) -> Json:
    """What was sent to an operation, by media type."""
    found: Json = _performed()["operations"].get(operation_id, {}).get("request", {})
    return found


def of_answer(operation_id: str, status: str) -> Json | None:
    """What an operation answered with a status."""
    found: Json | None = _performed()["operations"].get(operation_id, {}).get("responses", {}).get(status)
    return found


def of_error(status: int) -> Json | None:
    """An error's body as it was answered, by status."""
    found: Json | None = _performed()["errors"].get(str(status))
    return found
