"""Rosters of the field (Ed-Fi, OneRoster) as FHIR."""
