"""What defines the exchange for its partners: profiles, extensions, codes, operations, search parameters, examples.

https://hl7.org/fhir/R4/conformance-module.html
"""
