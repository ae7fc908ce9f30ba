"""A client that pulls: a bulk export to a directory, and flat tables of it. https://hl7.org/fhir/uv/bulkdata/"""
