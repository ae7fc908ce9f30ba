"""Subscription: whom to tell of what, by the topics of the exchange.
https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/StructureDefinition-backport-subscription.html
"""

from __future__ import annotations

from fhir.resources.R4B.subscription import Subscription

from app.resources.declaration import ResourceType, Visibility

SUBSCRIPTION = ResourceType(
    name="Subscription",
    model=Subscription,
    visibility=Visibility.CUSTODY,
    student=None,
    codes=(),
    clinical_date=(),
    authors=(),
)
