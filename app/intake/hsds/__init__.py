"""Service directories: HSDS 3.0 to FHIR and back. https://docs.openreferral.org/en/latest/hsds/"""
