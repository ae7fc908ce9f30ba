"""The FHIR interactions, one short module each."""
