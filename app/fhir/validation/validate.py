"""Whether a resource keeps the rules of FHIR R4; every fault is found, with the FHIRPath of its element.

https://hl7.org/fhir/R4/validation.html — the models of fhir.resources refuse nothing besides: tests ask them as well.
"""

from __future__ import annotations

from typing import Any

from app.errors import HallpassError, Issue, Kind
from app.fhir.validation.validator import Validator
from app.resources import TYPES

MAX_ISSUES = 100


def issues(type_name: str, resource: dict[str, Any]) -> list[Issue]:
    """Everything that is wrong with `resource` as a resource of `type_name`, one of the exchange's types.

    Empty when it is valid. The texts hold no value of the resource, but a code that its value set does not have.
    """
    if resource.get("resourceType") != type_name:
        return [Issue(f"The resourceType must be {type_name}.", "resourceType", "structure")]
    model = TYPES[type_name].model
    validator = Validator(resource)
    return validator.issues(model) or validator.constraint_issues()


def check(type_name: str, resource: dict[str, Any]) -> None:
    """Raise HallpassError(UNPROCESSABLE) with the first MAX_ISSUES of `issues`, and a count of the others."""
    found = issues(type_name, resource)
    if len(found) > MAX_ISSUES:
        found = [*found[:MAX_ISSUES], Issue(f"There are {len(found) - MAX_ISSUES} more errors.")]
    if found:
        raise HallpassError(Kind.UNPROCESSABLE, *found)
