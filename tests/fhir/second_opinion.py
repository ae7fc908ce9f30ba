"""What the models of fhir.resources say of a resource: the second opinion on the validator, for tests.

https://hl7.org/fhir/R4/validation.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from app.errors import Issue
from app.fhir.validation.plan import Model, plan, resource_model

_NOT_FHIR = frozenset({"uuid_version"})
"""What the models refuse and FHIR does not: a UUID may be of any version."""


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
