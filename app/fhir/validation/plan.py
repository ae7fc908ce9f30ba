"""What each FHIR type may hold, read once from the metadata of the fhir.resources models.

https://hl7.org/fhir/R4/structuredefinition.html. The models are R4B; the few places where R4 differs, or where the
metadata is shortened, are the tables below. `tests/fhir/test_plan.py` says how each was found.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from types import UnionType
from typing import Any, Union, get_args, get_origin

from fhir.resources.R4B import get_fhir_model_class
from fhir_core.constraints import FHIR_PRIMITIVES_MAPS
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from app.fhir.validation.primitives import CHECKS, Check

Model = type[BaseModel]

_ENCOUNTER_STATUS = "planned arrived triaged in-progress onleave finished cancelled entered-in-error unknown"
_OBSERVATION_STATUS = "cancelled registered preliminary final amended corrected entered-in-error unknown"
_UDI_ENTRY = "barcode rfid manual card self-reported unknown"
_ITEM_TYPE = (
    "group display boolean decimal integer date dateTime time string text url choice open-choice attachment reference "
    "quantity"
)
_TASK_STATUS = (
    "draft requested received accepted rejected ready cancelled in-progress on-hold failed completed entered-in-error"
)
_WHEN = (
    "MORN MORN.early MORN.late NOON AFT AFT.early AFT.late EVE EVE.early EVE.late NIGHT PHS HS WAKE "
    "C CM CD CV AC ACM ACD ACV PC PCM PCD PCV"
)
_CODES: dict[tuple[str, str], str] = {
    **{(quantity, "comparator"): "< <= >= >" for quantity in ("Age", "Count", "Distance", "Duration", "Quantity")},
    ("Encounter", "status"): _ENCOUNTER_STATUS,
    ("EncounterStatusHistory", "status"): _ENCOUNTER_STATUS,
    ("DeviceUdiCarrier", "entryType"): _UDI_ENTRY,
    ("Observation", "status"): _OBSERVATION_STATUS,
    ("QuestionnaireItem", "type"): _ITEM_TYPE,
    ("Task", "status"): _TASK_STATUS,
    ("TimingRepeat", "when"): _WHEN,
}
"""Codes of required bindings that the metadata leaves out, or ends with '+'."""
_SHORTENED = frozenset({"+", "etc.", "mime"})
"""The last value of a list that is not the whole value set."""
_NOT_R4 = frozenset({("Extension", "valueCodeableReference"), ("Extension", "valueRatioRange")})
"""Elements that R4B added."""
_NOT_R4_TARGETS = {("GroupMember", "entity"): frozenset({"RelatedPerson"})}
"""Targets of references that R4B added."""


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a type, or the `_name` beside a primitive that holds its id and extensions."""

    name: str
    """Its name in JSON, without the underscore."""
    label: str
    """Its name in FHIRPath: of a choice, the stem."""
    type: str
    """A primitive's or a model's name; `Resource` for what is contained."""
    many: bool
    pair: str | None = None
    """Of a primitive and its sibling: the JSON name of the other."""
    sibling: bool = False
    check: Check | None = None
    """Of a primitive."""
    codes: frozenset[str] | None = None
    """The value set of a required binding."""
    targets: frozenset[str] | None = None
    """The types that a Reference may point to; None: any."""
    model: Model | None = None
    """Of a type with elements."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The elements of one type by JSON name, and for each required one its label and the names that satisfy it."""

    type: str
    elements: dict[str, Element]
    required: tuple[tuple[str, frozenset[str]], ...]


@cache
def plan(model: Model) -> Plan:
    """The plan of a model. Types of children are planned when they are met."""
    elements: dict[str, Element] = {}
    if resource_model(model.__name__) is model:
        elements["resourceType"] = Element("resourceType", "resourceType", "code", many=False, check=CHECKS["code"])
    required: dict[str, frozenset[str]] = {}
    for field in model.model_fields.values():
        name = field.alias
        if name in (None, "fhir_comments") or (model.__name__, name) in _NOT_R4:
            continue
        if name.startswith("_"):
            elements[name] = _sibling(elements[name[1:]], field)
        else:
            element = elements[name] = _element(model.__name__, name, field)
            if _is_required(field):
                names = {name, "_" + name} if element.check else {name}
                required[element.label] = required.get(element.label, frozenset()) | names
    return Plan(model.__name__, elements, tuple(required.items()))


@lru_cache(maxsize=512)
def resource_model(name: str) -> Model | None:
    """The model of a concrete resource type, or None when `name` is not one."""
    try:
        model = get_fhir_model_class(name)
    except ValueError:
        return None
    concrete = model.has_resource_base() and name not in ("Resource", "DomainResource")
    return model if concrete else None


def _element(owner: str, name: str, field: FieldInfo) -> Element:
    extra = _extra(field)
    stem = extra.get("one_of_many")
    many, kind = _kind(field.annotation)
    primitive = FHIR_PRIMITIVES_MAPS.get(kind)
    if primitive == "code" and name == "language" and owner != "Expression":
        primitive = "language"  # https://hl7.org/fhir/R4/valueset-languages.html: all that there are, and no other code
    model = None if primitive or kind.__name__ == "ResourceType" else kind.get_model_klass()
    targets = frozenset(extra.get("enum_reference_types", ())) - _NOT_R4_TARGETS.get((owner, name), frozenset())
    return Element(
        name=name,
        label=stem or name,
        type=primitive or (model.__name__ if model else "Resource"),
        many=many,
        pair="_" + name if primitive else None,
        check=CHECKS[primitive] if primitive else None,
        codes=_codes(owner, name, extra.get("enum_values", ())),
        targets=targets if targets and "Resource" not in targets else None,
        model=model,
    )


def _sibling(value: Element, field: FieldInfo) -> Element:
    _, kind = _kind(field.annotation)
    model = kind.get_model_klass()
    return Element(
        name=value.name,
        label=value.label,
        type=model.__name__,
        many=value.many,
        pair=value.name,
        sibling=True,
        model=model,
    )


def _codes(owner: str, name: str, listed: tuple[str, ...]) -> frozenset[str] | None:
    known = _CODES.get((owner, name))
    if known is not None:
        return frozenset(known.split())
    return frozenset(listed) if listed and listed[-1] not in _SHORTENED else None


def _is_required(field: FieldInfo) -> bool:
    extra = _extra(field)
    return bool(field.is_required() or extra.get("element_required") or extra.get("one_of_many_required"))


def _extra(field: FieldInfo) -> dict[str, Any]:
    return field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}


def _kind(annotation: Any) -> tuple[bool, Any]:
    """Whether the element repeats, and its type without Optional and List."""
    origin, arguments = get_origin(annotation), [a for a in get_args(annotation) if a is not type(None)]
    if origin is list:
        return True, _kind(arguments[0])[1]
    if origin in (Union, UnionType):
        return _kind(arguments[0])
    return False, annotation
