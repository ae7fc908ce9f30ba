"""Binary: the bytes of a document. It is seen by who sees a record that refers to it.
https://hl7.org/fhir/R4/binary.html
"""

from __future__ import annotations

from fhir.resources.R4B.binary import Binary

from app.resources.declaration import ResourceType, Visibility

BINARY = ResourceType(
    name="Binary",
    model=Binary,
    visibility=Visibility.COMPARTMENT,
    student="securityContext",
    codes=(),
    clinical_date=(),
    authors=(),
    by_referrers=True,
)
