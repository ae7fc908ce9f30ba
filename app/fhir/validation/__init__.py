"""Whether JSON is a valid FHIR R4 resource."""
