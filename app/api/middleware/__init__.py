"""ASGI middleware around the FHIR service."""
