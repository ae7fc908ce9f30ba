"""JSON Merge Patch on a resource: what it names takes the place of what was there, and null takes it away. Pure.

https://www.rfc-editor.org/rfc/rfc7396 — FHIR has no such patch, but clients send it as plain JSON (fhirpy does).
"""

from __future__ import annotations

from typing import Any


def patched(content: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """The resource after the changes. Arrays are replaced as a whole."""
    merged = dict(content)
    for name, value in changes.items():
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, dict):
            old = merged.get(name)
            merged[name] = patched(old if isinstance(old, dict) else {}, value)
        else:
            merged[name] = value
    return merged
