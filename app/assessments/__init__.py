"""Assessments: forms, answers judged by their form, and what is made of them. Pure. https://hl7.org/fhir/uv/sdc/"""
