"""What a Consent says that its writer may not mean. Pure.

https://hl7.org/fhir/R4/valueset-consent-data-meaning.html — `related` is a resource and what it refers to, `dependents`
a resource and what refers to it: the records of an Encounter are those.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from app.errors import Issue
from app.resources.paths import values
from app.resources.refs import parse_local


def advice(consent: dict[str, Any]) -> list[Issue]:
    """A warning for each denial of what is `related` to an Encounter."""
    root = consent.get("provision")
    return list(_of(root, "Consent.provision", denies=root.get("type") == "deny")) if isinstance(root, dict) else []


def _of(provision: dict[str, Any], at: str, *, denies: bool) -> Iterator[Issue]:
    for i, data in enumerate(values(provision, "data")):
        target = parse_local(data.get("reference", {}).get("reference"))
        if denies and data.get("meaning") == "related" and target and target[0] == "Encounter":
            text = (
                "The meaning related denies the Encounter and what it refers to, not what was recorded in it. "
                "To deny that as well, use the meaning dependents."
            )
            yield Issue(text, f"{at}.data[{i}].meaning", "business-rule", "warning")
    for i, nested in enumerate(values(provision, "provision")):
        yield from _of(nested, f"{at}.provision[{i}]", denies=not denies)
