"""The document as it is given to the generator of requests: what is sent is drawn from leaner schemas.

Drawing a body from the whole schema takes seconds each: extensions nest, and most types hold several others. What is
answered is judged by the whole schema all the same.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

Json = dict[str, Any]
AUTHORIZATION = "Authorization"
_LEFT_OUT = frozenset({"extension", "modifierExtension", "contained", "implicitRules", "text", "meta", "id"})
_SCHEMAS = "#/components/schemas/"


def lean(document: Json, depth: int) -> Json:
    """A copy whose request bodies stand for themselves, without extensions and narratives.

    `depth` is how many objects a body may hold within each other.
    """
    found = deepcopy(document)
    bodies = found["components"]["requestBodies"]
    for item in found["paths"].values():
        for operation in (o for name, o in item.items() if name != "parameters"):
            body = operation.get("requestBody")
            if body and "$ref" in body:
                body = operation["requestBody"] = deepcopy(bodies[body["$ref"].rpartition("/")[2]])
            # An authorization server leaves alone what it does not know in a form (RFC 6749, 3.2).
            pruned = _Pruned(found["components"]["schemas"], closed=AUTHORIZATION not in operation["tags"])
            for media in body["content"].values() if body else ():
                media["schema"] = pruned.of(media["schema"], depth)
    return found


class _Pruned:
    def __init__(self, schemas: dict[str, Json], *, closed: bool) -> None:
        self._schemas = schemas
        self._closed = closed

    def of(self, schema: Json, depth: int) -> Json:
        """A schema with the components that it refers to in their places; None of what nests too deep is left."""
        if "$ref" in schema:
            name = schema["$ref"].removeprefix(_SCHEMAS)
            return self.of(self._schemas[name], depth)
        if "oneOf" in schema:
            return {"oneOf": [self.of(s, depth) for s in schema["oneOf"]]}
        if schema.get("type") == "array":
            return {**schema, "items": self.of(_not_null(schema["items"]), depth)}
        if schema.get("type") != "object" or "properties" not in schema:
            return schema
        return self._object(schema, depth)

    def _object(self, schema: Json, depth: int) -> Json:
        required = [*schema.get("required", ()), *schema.get("else", {}).get("required", ())]
        kept = {n: s for n, s in schema["properties"].items() if self._stays(n, s, depth) or n in required}
        properties = {n: self.of(s, depth - 1) for n, s in kept.items()}
        if "resourceType" in properties:
            properties |= self._given()
        found = {k: v for k, v in schema.items() if k not in ("if", "else", "required", "minProperties")}
        # A form has names that no schema lists (chains); what a patch leaves unheeded need not be sent.
        if self._closed:
            found["additionalProperties"] = False
        return {**found, "properties": properties, **({"required": required} if required else {})}

    def _given(self) -> dict[str, Json]:
        """What the server gives a resource: a link sends it back."""
        version = {"versionId": self._schemas["FhirId"], "lastUpdated": self._schemas["FhirInstant"]}
        meta = {"type": "object", "properties": version, "minProperties": 1, "additionalProperties": False}
        return {"id": self._schemas["FhirId"], "meta": meta}

    def _stays(self, name: str, schema: Json, depth: int) -> bool:
        if name.startswith("_") or name in _LEFT_OUT:
            return False
        inner = schema.get("items", schema)
        target = self._schemas.get(inner.get("$ref", "").removeprefix(_SCHEMAS), {})
        return depth > 1 or target.get("type") != "object"


def _not_null(items: Json) -> Json:
    return items["anyOf"][0] if "anyOf" in items and len(items["anyOf"]) == 2 else items
