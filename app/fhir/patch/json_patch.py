"""JSON Patch on a resource: all of its operations, or none. Pure. https://www.rfc-editor.org/rfc/rfc6902"""

from __future__ import annotations

from typing import Any

import jsonpatch
from jsonpointer import JsonPointerException

from app.errors import HallpassError, Issue, Kind
from app.fhir.json import dump, parse

MAX_OPERATIONS = 1000


def read(body: bytes) -> list[Any]:
    """The operations in a body, an array. Raises MALFORMED for what is not JSON, UNPROCESSABLE for another shape."""
    content = parse(b'{"patch":%s}' % body)
    if content.keys() != {"patch"} or not isinstance(content["patch"], list):
        raise _refused("A JSON Patch must be an array of operations.", None)
    return content["patch"]


def patched(content: dict[str, Any], operations: list[Any], most: int) -> dict[str, Any]:
    """The resource after the operations. Raises UNPROCESSABLE that names the first that fails, never its values.

    `most`: bytes that may be copied in all, since copies of copies grow without bound.
    """
    if len(operations) > MAX_OPERATIONS:
        raise _refused(f"A patch has at most {MAX_OPERATIONS} operations.", None)
    left = most
    for i, operation in enumerate(operations):
        try:
            if isinstance(operation, dict) and operation.get("op") == "copy":
                left -= len(dump(jsonpatch.JsonPointer(operation["from"]).resolve(content)))
                if left < 0:
                    raise _refused("The patch copies more than is allowed.", i)
            content = jsonpatch.JsonPatch([operation]).apply(content, in_place=True)
        except jsonpatch.JsonPatchTestFailed:
            raise _refused("The test operation failed: the value is different.", i) from None
        except (jsonpatch.JsonPatchException, JsonPointerException):
            raise _refused("The operation cannot be applied: its path does not exist.", i) from None
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
            raise _refused("Unknown operation. JSON Patch has add, remove, replace, move, copy and test.", i) from None
    return content


def _refused(text: str, i: int | None) -> HallpassError:
    return HallpassError(Kind.UNPROCESSABLE, Issue(text, None if i is None else f"[{i}]"))
