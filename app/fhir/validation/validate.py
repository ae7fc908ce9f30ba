"""Whether a resource keeps the rules of FHIR R4; every fault is found, with the FHIRPath of its element.

https://hl7.org/fhir/R4/validation.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from app.errors import HallpassError, Issue, Kind
from app.fhir.validation.plan import Model, plan, resource_model
from app.fhir.validation.validator import Validator
from app.resources import TYPES

MAX_ISSUES = 100
_NOT_FHIR = frozenset({"uuid_version"})
"""What the models refuse and FHIR does not: a UUID may be of any version."""


def issues(type_name: str, resource: dict[str, Any]) -> list[Issue]:
    """Everything that is wrong with `resource` as a resource of `type_name`, one of the exchange's types.

    Empty when it is valid. The texts hold no value of the resource, but a code that its value set does not have.
    """
    if resource.get("resourceType") != type_name:
        return [Issue(f"The resourceType must be {type_name}.", "resourceType", "structure")]
    model = TYPES[type_name].model
    validator = Validator(resource)
    return validator.issues(model) or validator.constraint_issues() or from_model(model, resource)


def check(type_name: str, resource: dict[str, Any]) -> None:
    """Raise HallpassError(UNPROCESSABLE) with the first MAX_ISSUES of `issues`, and a count of the others."""
    found = issues(type_name, resource)
    if len(found) > MAX_ISSUES:
        found = [*found[:MAX_ISSUES], Issue(f"There are {len(found) - MAX_ISSUES} more errors.")]
    if found:
        raise HallpassError(Kind.UNPROCESSABLE, *found)


def from_model(model: Model, resource: dict[str, Any]) -> list[Issue]:
    """What the fhir.resources model refuses: the second opinion on a resource without findings.

    Not used for the first, because it stops at the fields of an object before it looks at what is missing.
    """
    try:
        model.model_validate(resource)
    except ValidationError as e:
        return [
            Issue(
                f"The element is not what its type requires ({error['type']}).",
                expression(model, error["loc"], resource),
                "value",
            )
            for error in e.errors(include_url=False, include_context=False, include_input=False)
            if error["type"] not in _NOT_FHIR
        ]
    return []


def expression(model: Model, location: Sequence[int | str], resource: dict[str, Any]) -> str:
    """The FHIRPath of the location of a pydantic error in `resource`.

    `("participant", 0, "valueString")` in an Encounter is `Encounter.participant[0].value`.
    """
    path, at = model.__name__, model
    for i, step in enumerate(location):
        if isinstance(step, int):
            path += f"[{step}]"
            if location[:i] == ("contained",):
                at = resource_model(resource["contained"][step]["resourceType"]) or at
        else:
            element = plan(at).elements.get(step)
            path += f".{element.label if element else step}"
            at = (element and element.model) or at
    return path
