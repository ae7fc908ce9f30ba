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


def add(operation: Json) -> Json:
    """The operation with what was sent and answered beside its bodies, where it was performed."""
    performed = _performed()["operations"].get(operation["operationId"])
    if performed is None:
        return operation
    found = dict(operation)
    if performed["request"]:
        body = found["requestBody"]
        found["requestBody"] = {**body, "content": _shown(body["content"], performed["request"])}
    found["responses"] = {
        status: _answered(answer, performed["responses"].get(status)) for status, answer in found["responses"].items()
    }
    return found


def of_error(status: int) -> Json | None:
    """An error's body as it was answered, by status."""
    found: Json | None = _performed()["errors"].get(str(status))
    return found


def _answered(answer: Json, body: Json | None) -> Json:
    if body is None or "content" not in answer:
        return answer
    first = next(iter(answer["content"]))
    return {**answer, "content": _shown(answer["content"], {first: body})}


def _shown(content: dict[str, Json], bodies: dict[str, Any]) -> dict[str, Json]:
    return {
        media: {**about, "examples": {"performed": {"value": bodies[media]}}} if media in bodies else about
        for media, about in content.items()
    }
