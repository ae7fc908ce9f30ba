"""The examples of the OpenAPI document are exchanges that happen so, and fit the schemas beside which they stand."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from app.openapi import examples
from app.openapi.document import document
from tests.openapi.exchanges import record
from tests.openapi.test_document import BASE, operations
from tests.world import World

COMPONENTS = document(BASE)["components"]
FILE = Path(examples.__file__).with_name("examples.json")


async def test_every_example_happens_so(world: World) -> None:
    """Write them again by WRITE=1 and `hallpass export-openapi`."""
    found = await record(world)
    if os.environ.get("WRITE"):
        FILE.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    assert found == json.loads(FILE.read_text())


def shown() -> Iterator[Any]:
    """Each example with its schema."""
    bodies = [*COMPONENTS["responses"].items(), *COMPONENTS["requestBodies"].items()]
    for _, _, found in operations():
        bodies += [
            (found["operationId"], body) for body in (found.get("requestBody", {}), *found["responses"].values())
        ]
    for name, body in bodies:
        for media in body.get("content", {}).values():
            for example in media.get("examples", {}).values():
                yield pytest.param(media["schema"], example["value"], id=name)


@pytest.mark.parametrize(("schema", "value"), list(shown()))
def test_an_example_fits_its_schema(schema: Any, value: Any) -> None:
    whole = {**schema, "components": COMPONENTS}
    errors = [e.message for e in jsonschema_rs.Draft202012Validator(whole).iter_errors(value)]
    assert not errors
