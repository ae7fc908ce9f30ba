"""The resource types of the exchange, each declared in a module of its own: a new one is a new module."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from app.resources.declaration import ResourceType, Visibility

_FIRST = (
    "Patient",
    "RelatedPerson",
    "ServiceRequest",
    "Encounter",
    "Consent",
    "Task",
    "Group",
    "DocumentReference",
    "Binary",
    "QuestionnaireResponse",
    "Organization",
    "OrganizationAffiliation",
    "Practitioner",
    "PractitionerRole",
    "HealthcareService",
    "Location",
    "Questionnaire",
)
"""The types that documents list first. Others follow by name."""


def _place(declared: ResourceType) -> tuple[int, str]:
    return _FIRST.index(declared.name) if declared.name in _FIRST else len(_FIRST), declared.name


def _declared() -> set[ResourceType]:
    modules = (import_module(f"{__name__}.{m.name}") for m in iter_modules(__path__))
    return {v for m in modules for v in vars(m).values() if isinstance(v, ResourceType)}


REGISTRY: tuple[ResourceType, ...] = tuple(sorted(_declared(), key=_place))
"""Every type, in the order in which documents list them."""

TYPES: dict[str, ResourceType] = {t.name: t for t in REGISTRY}
"""The same by name."""

__all__ = ["REGISTRY", "TYPES", "ResourceType", "Visibility"]
