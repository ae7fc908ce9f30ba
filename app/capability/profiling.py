"""By which profiles a resource is judged: those that a request names, and those that the resource claims.

https://hl7.org/fhir/R4/resource.html#Meta and https://hl7.org/fhir/R4/resource-operation-validate.html
"""

from __future__ import annotations

from typing import Any

from app.capability.judge import judge
from app.capability.profiles import PROFILES, Profile
from app.errors import HallpassError, Issue, Kind
from app.resources.paths import values
from app.terminology.definition import HL7, VERSION

_UNKNOWN = "The profile is not known here: it was not judged by."


def named(type_name: str, url: str | None, *, needed: bool = False) -> list[Profile]:
    """The profile that a request names; none for the type's own definition, or for no name where none is needed.

    Raises UNPROCESSABLE (not-supported) with the profiles of the type for any other.
    """
    if url == f"{HL7}/{type_name}" or (url is None and not needed):
        return []
    profile = _own(type_name, url or "")
    if profile is not None:
        return [profile]
    known = [f"{HL7}/{type_name}", *(p.url for p in PROFILES if p.type == type_name)]
    text = f"Unknown profile. Use one of: {' and '.join(known)}."
    raise HallpassError(Kind.UNPROCESSABLE, Issue(text, None, "not-supported"))


def issues(resource: dict[str, Any], asked: list[Profile], *, whole: bool) -> list[Issue]:
    """What a resource does not keep of the profiles asked for and claimed; a warning for each that is not known.

    `whole`: it keeps the rules of its type.
    """
    type_name = str(resource.get("resourceType"))
    chosen = {p.url: p for p in asked if p.type == type_name}
    unknown: list[Issue] = []
    for i, url in enumerate(values(resource, "meta.profile")):
        claimed = _own(type_name, str(url))
        if claimed is not None:
            chosen[claimed.url] = claimed
        elif url != f"{HL7}/{type_name}":
            unknown.append(Issue(_UNKNOWN, f"{type_name}.meta.profile[{i}]", "not-supported", "warning"))
    found = [issue for profile in chosen.values() for issue in judge(resource, profile, whole=whole)]
    return [*dict.fromkeys(found), *unknown]


def _own(type_name: str, url: str) -> Profile | None:
    """The profile of ours for a type under a canonical URL, with or without its version."""
    stem, _, version = url.partition("|")
    return next((p for p in PROFILES if (p.url, p.type) == (stem, type_name) and version in ("", VERSION)), None)
