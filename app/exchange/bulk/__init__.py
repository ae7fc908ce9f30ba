"""Bulk export: what is chosen under releases, and judged again as it leaves. https://hl7.org/fhir/uv/bulkdata/"""
