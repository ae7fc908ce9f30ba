"""Hallpass: a FHIR R4 exchange that lets out what a signed release permits, and nothing else."""
