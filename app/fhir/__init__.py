"""The wire: JSON, Bundle, OperationOutcome, CapabilityStatement, dates, validation. No database."""
