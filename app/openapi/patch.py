"""The JSON Schemas of a JSON Patch and of a JSON Merge Patch.

https://www.rfc-editor.org/rfc/rfc6902 and https://www.rfc-editor.org/rfc/rfc7396
"""

from __future__ import annotations

from typing import Any

from app.fhir.patch.json_patch import MAX_OPERATIONS

Json = dict[str, Any]
_POINTER: Json = {"type": "string", "pattern": "^(/([^~]|~[01])*)?$"}


def _operation(ops: tuple[str, ...], **more: Json) -> Json:
    properties = {"op": {"type": "string", "enum": list(ops)}, "path": _POINTER, **more}
    return {"type": "object", "required": [*properties], "properties": properties}


JSON_PATCH: Json = {
    "type": "array",
    "maxItems": MAX_OPERATIONS,
    "items": {
        "oneOf": [
            _operation(("add", "replace", "test"), value={}),
            _operation(("remove",)),
            _operation(("move", "copy"), **{"from": _POINTER}),
        ]
    },
}

MERGE_PATCH: Json = {
    "type": "object",
    "description": "The elements that change, each with its new value or, to take it away, null.",
    "additionalProperties": True,
}


def media_types(shown: Json) -> dict[str, Json]:
    """What a patch may be by media type. As plain JSON either of the last two, told by `resourceType`."""
    found: dict[str, Json] = {
        "application/json-patch+json": {"schema": {"$ref": "#/components/schemas/JsonPatch"}},
        "application/fhir+json": {"schema": {"$ref": "#/components/schemas/Parameters"}},
        "application/merge-patch+json": {"schema": {"$ref": "#/components/schemas/MergePatch"}},
    }
    return {media: {**about, **_example(shown.get(media))} for media, about in found.items()}


def _example(value: Any) -> Json:
    return {} if value is None else {"examples": {"performed": {"value": value}}}
