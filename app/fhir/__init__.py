"""FHIR itself: JSON, OperationOutcome, dates, references, validation, patch. No database."""
