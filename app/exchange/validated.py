"""A resource that has been judged by itself, before any transaction: the only thing that a write takes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from app.consent.codes import TYPE_NAMES
from app.errors import HallpassError, Issue, Kind
from app.fhir.json import canonical, dump
from app.fhir.references import rewrite
from app.fhir.validation.validate import check
from app.limits.content import more_values, too_many_values
from app.limits.long_work import is_large, off_loop
from app.resources import TYPES, ResourceType, Visibility
from app.resources.paths import values
from app.resources.refs import attached
from app.settings import Settings
from app.telemetry.stages import stage

_PROOF = object()


class Validated:
    """Valid FHIR of the declared type, whole (not SUBSETTED), with references into this server made relative."""

    __slots__ = ("content",)

    def __init__(self, proof: object, content: dict[str, Any]) -> None:
        if proof is not _PROOF:
            raise TypeError("only prepare() prepares")
        self.content = content

    def with_id(self, resource_id: str) -> Validated:
        """The same content under the id of the resource that a condition matched."""
        return Validated(_PROOF, {**self.content, "id": resource_id})

    async def validated(self) -> Validated:
        """Itself."""
        return self


class Draft:
    """A body as it was sent, with references into this server made relative: it is judged once it is known to change
    something. What is stored was judged before."""

    __slots__ = ("_client", "_declared", "_settings", "content")

    def __init__(self, client: str, declared: ResourceType, content: dict[str, Any], settings: Settings) -> None:
        self._client, self._declared, self._settings = client, declared, settings
        self.content = content

    def with_id(self, resource_id: str) -> Draft:
        """The same content under the id of the resource that a condition matched."""
        return Draft(self._client, self._declared, {**self.content, "id": resource_id}, self._settings)

    async def validated(self) -> Validated:
        """The same, judged. Raises as `validate_body`."""
        return await validate_body(self._client, self._declared, self.content, self._settings)


async def draft(client: str, declared: ResourceType, content: dict[str, Any], settings: Settings) -> Draft | Validated:
    """A body for an update; a large one is judged now, before a connection waits for it. Raises as `validate_body`."""
    if require_bounded(content, settings):
        return await validate_body(client, declared, content, settings)
    return Draft(client, declared, _relative(content, settings.fhir_base), settings)


def require_bounded(content: dict[str, Any], settings: Settings) -> bool:
    """Whether working on a resource is long work. Raises TOO_LARGE for one that holds too much."""
    large = is_large(content)
    if large and more_values(content, settings.max_resource_values):
        raise too_many_values("A resource", settings.max_resource_values)
    return large


async def validate_body(client: str, declared: ResourceType, content: dict[str, Any], settings: Settings) -> Validated:
    """Judge a resource that a client sent by itself. Raises UNPROCESSABLE with every finding, TOO_LARGE, TOO_COSTLY."""
    large = require_bounded(content, settings)
    with stage("validate"):
        return await off_loop(client, partial(validate_now, declared, content, settings.fhir_base), large=large)


def validate_now(declared: ResourceType, content: dict[str, Any], base_url: str) -> Validated:
    """Judge a resource by itself, at once. Raises UNPROCESSABLE with every finding."""
    if declared.visibility is Visibility.DIRECTORY and _contains_others(content):
        text = "Every member reads the directory: a directory resource contains no other. Refer to it instead."
        raise HallpassError(Kind.UNPROCESSABLE, Issue(text, f"{declared.name}.contained", "business-rule"))
    check(declared.name, content)
    if any(tag.get("code") == "SUBSETTED" for tag in values(content, "meta.tag")):
        text = "The resource is marked SUBSETTED: it is only a part. Read the whole resource and send that."
        raise HallpassError(Kind.UNPROCESSABLE, Issue(text, f"{declared.name}.meta.tag", "business-rule"))
    relative = _relative(content, base_url)
    if declared.visibility is Visibility.DIRECTORY:
        _require_no_student(declared, relative)
    return Validated(_PROOF, relative)


def _relative(content: dict[str, Any], base_url: str) -> dict[str, Any]:
    """The content with references into this server made relative; nothing is walked where nothing names the server."""
    own = f"{base_url}/"
    if own.encode() not in dump(content):
        return content
    found: dict[str, Any] = _attached_here(rewrite(content, lambda text: text.removeprefix(own)), own)
    return found


def _attached_here(content: Any, own: str) -> Any:
    """The same with each url of a Binary of this server made relative, as references are."""
    if isinstance(content, list):
        return [_attached_here(v, own) for v in content]
    if not isinstance(content, dict):
        return content
    found = {k: _attached_here(v, own) if isinstance(v, dict | list) else v for k, v in content.items()}
    url = found.get("url")
    if isinstance(url, str) and url.startswith(f"{own}Binary/"):
        found["url"] = url.removeprefix(own)
    return found


def _require_no_student(declared: ResourceType, content: dict[str, Any]) -> None:
    """Everybody reads the directory, so nothing in it is about a student.

    Nothing refers to a type that is not of it, wherever that lies and by what it is known, and there is no note: the
    types of the directory have no place for one.
    """
    if any(_is_about_a_student(node) for node in _nodes(content)):
        text = "Every member reads the directory: a directory resource must not be about a student."
        raise HallpassError(Kind.UNPROCESSABLE, Issue(text, declared.name, "business-rule"))


_LISTED = frozenset(t.name for t in TYPES.values() if t.visibility is Visibility.DIRECTORY)
_ABOUT_NOBODY = frozenset({"CodeSystem", "Endpoint", "InsurancePlan", "Library", "NamingSystem", "ValueSet"})
"""Types that are about no person: a form may contain its value sets."""
_NOT_LISTED = TYPE_NAMES - _LISTED - _ABOUT_NOBODY


def _contains_others(content: dict[str, Any]) -> bool:
    """Whether a resource contains one that could be about a person."""
    contained = content.get("contained") or []
    kinds = [c.get("resourceType") if isinstance(c, dict) else None for c in contained]
    return not isinstance(contained, list) or not _ABOUT_NOBODY.issuperset(kinds)


def _is_about_a_student(node: dict[str, Any]) -> bool:
    """Whether an element is a note, an Attachment kept here, or a Reference to a type that is not of the directory."""
    reference, kind = node.get("reference"), node.get("type")
    segments = reference.split("/") if isinstance(reference, str) else []
    return (
        "valueAnnotation" in node
        or attached(node) is not None
        or not _NOT_LISTED.isdisjoint(segments)
        or (isinstance(kind, str) and kind in _NOT_LISTED)
    )


def _nodes(content: Any) -> Iterator[dict[str, Any]]:
    """Every object in a resource."""
    if isinstance(content, dict):
        yield content
    for child in content.values() if isinstance(content, dict) else content if isinstance(content, list) else ():
        yield from _nodes(child)


def same(one: Any, other: Any) -> bool:
    """Whether two elements hold the same, order of members aside."""
    return canonical({"x": one}) == canonical({"x": other})
