"""The resource types of the exchange, each declared in a module of its own."""

from __future__ import annotations

from app.resources.consent import CONSENT
from app.resources.declaration import ResourceType, Visibility
from app.resources.encounter import ENCOUNTER
from app.resources.group import GROUP
from app.resources.healthcare_service import HEALTHCARE_SERVICE
from app.resources.location import LOCATION
from app.resources.organization import ORGANIZATION
from app.resources.organization_affiliation import ORGANIZATION_AFFILIATION
from app.resources.patient import PATIENT
from app.resources.practitioner import PRACTITIONER
from app.resources.practitioner_role import PRACTITIONER_ROLE
from app.resources.related_person import RELATED_PERSON
from app.resources.service_request import SERVICE_REQUEST
from app.resources.task import TASK

REGISTRY: tuple[ResourceType, ...] = (
    PATIENT,
    RELATED_PERSON,
    SERVICE_REQUEST,
    ENCOUNTER,
    CONSENT,
    TASK,
    GROUP,
    ORGANIZATION,
    ORGANIZATION_AFFILIATION,
    PRACTITIONER,
    PRACTITIONER_ROLE,
    HEALTHCARE_SERVICE,
    LOCATION,
)
"""Every type, in the order in which documents list them."""

TYPES: dict[str, ResourceType] = {t.name: t for t in REGISTRY}
"""The same by name."""

__all__ = ["REGISTRY", "TYPES", "ResourceType", "Visibility"]
