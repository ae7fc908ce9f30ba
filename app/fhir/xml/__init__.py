"""FHIR's XML, from and to what its JSON holds. https://hl7.org/fhir/R4/xml.html"""
