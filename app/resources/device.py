"""Device: what a student uses or was given: glasses, a hearing aid, a computer.
https://hl7.org/fhir/R4/device.html
"""

from __future__ import annotations

from fhir.resources.R4B.device import Device

from app.resources.declaration import ResourceType, Visibility

DEVICE = ResourceType(
    name="Device",
    model=Device,
    visibility=Visibility.COMPARTMENT,
    student="patient",
    codes=("type",),
    clinical_date=(),
    authors=(),
)
