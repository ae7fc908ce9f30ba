"""A part of a resource, as `_summary` and `_elements` ask for it, marked SUBSETTED. Pure.

https://hl7.org/fhir/R4/search.html#summary and https://hl7.org/fhir/R4/search.html#elements — mandatory elements
stay, so that a part is valid by itself; so do `meta` and what modifies the meaning of the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from app.consent.contact import prohibits
from app.errors import HallpassError, Issue, Kind
from app.fhir.json import dump, parse
from app.fhir.validation.plan import Model, plan, resource_model
from app.resources import TYPES
from app.search.controls import SUMMARIES, json_keys, one_of

TAG = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}
_ALWAYS = frozenset({"resourceType", "id", "meta", "implicitRules", "modifierExtension"})
_DATA_OUT = frozenset({"text"})
_BY_INVARIANT = {
    "Consent": ("", ("policy", "policyRule")),
    "Organization": ("", ("name", "identifier")),
    "ServiceRequest": ("orderDetail", ("code",)),
}
"""Elements without which a part would break an invariant of its type (ppc-1, org-1, prr-1): always, or beside one."""


@dataclass(frozen=True, slots=True)
class Subset:
    """Which part: `summary` is true, text or data, or None; `elements` are JSON keys, or none."""

    summary: str | None
    elements: frozenset[str]

    def cut(self, type_name: str, body: bytes, *, included: bool = False) -> bytes:
        """The part of a resource's JSON. `_elements` names elements of what was searched, not of what was included."""
        if self.summary is None and included:
            return body
        content = parse(body)
        model = _model(type_name)
        kept = {k: v for k, v in content.items() if self._keeps(model, k)}
        if type_name == "ServiceRequest" and prohibits(content):  # which must never be lost
            kept = {k: v for k, v in content.items() if k in kept or k == "orderDetail"}
        beside, needed = _BY_INVARIANT.get(type_name, ("", ()))
        if not beside or beside in kept:
            kept = {k: v for k, v in content.items() if k in kept or k.removeprefix("_") in needed}
        if self.summary == "true":
            kept = {k: _summarized(model, k, v) for k, v in kept.items()}
        return dump(marked(kept))

    def _keeps(self, model: Model, key: str) -> bool:
        name = key.removeprefix("_")
        if name in _ALWAYS:
            return True
        if self.summary == "data":
            return name not in _DATA_OUT
        if name in _mandatory(model):
            return True
        if self.summary == "text":
            return name == "text"
        return name in (_in_summary(model) if self.summary == "true" else self.elements)


def marked(content: dict[str, Any]) -> dict[str, Any]:
    """A resource that is a part of one, marked as such."""
    meta = content.get("meta", {})
    tags = [t for t in meta.get("tag", []) if t.get("code") != TAG["code"]]
    return {**content, "meta": {**meta, "tag": [*tags, TAG]}}


def subset(summary: str | None, elements: tuple[str, ...], *, includes: bool = False) -> Subset | None:
    """The part that was asked for; None: the whole. Raises INVALID for what does not go together."""
    chosen = None if summary in (None, "false", "count") else summary
    if chosen is None and not elements:
        return None
    if chosen is not None and elements:
        raise HallpassError(Kind.INVALID, Issue("The parameters '_summary' and '_elements' exclude each other."))
    if chosen == "text" and includes:
        raise HallpassError(Kind.INVALID, Issue("With '_summary=text' nothing can be included."))
    return Subset(chosen, frozenset(elements))


def subset_of_read(type_name: str, summary: str | None, elements: str | None) -> Subset | None:
    """The same for a read, from the texts of its parameters. Raises INVALID."""
    if summary is not None:
        one_of("_summary", summary, tuple(s for s in SUMMARIES if s != "count"))
    keys = json_keys("_elements", elements, (type_name,)) if elements is not None else ()
    return subset(summary, keys)


def _model(type_name: str) -> Model:
    """The model of a type that holds records, or of a type of definitions. Raises KeyError for what is none."""
    model = TYPES[type_name].model if type_name in TYPES else resource_model(type_name)
    if model is None:
        raise KeyError(type_name)
    return model


@cache
def _mandatory(model: Model) -> frozenset[str]:
    return frozenset(n.removeprefix("_") for _, names in plan(model).required for n in names)


@cache
def _in_summary(model: Model) -> frozenset[str]:
    """The JSON keys of the elements that the specification marks as part of a summary."""
    marked = ((f.alias, f.json_schema_extra) for f in model.model_fields.values())
    return frozenset(str(n) for n, extra in marked if isinstance(extra, dict) and extra.get("summary_element_property"))


def _summarized(model: Model, key: str, value: Any) -> Any:
    """The summary of an element's own parts, where it is a group of elements and not a datatype."""
    element = plan(model).elements.get(key)
    if element is None or element.model is None or not _is_group(element.model):
        return value
    if isinstance(value, list):
        return [_group(element.model, v) for v in value]
    return _group(element.model, value)


def _is_group(model: Model) -> bool:
    return any(c.__name__ == "BackboneElement" for c in model.__mro__[1:])


def _group(model: Model, value: dict[str, Any]) -> dict[str, Any]:
    wanted = _ALWAYS | _in_summary(model) | _mandatory(model)
    kept = {k: _summarized(model, k, v) for k, v in value.items() if k.removeprefix("_") in wanted}
    return kept or value
