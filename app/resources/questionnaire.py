"""Questionnaire: a form without answers. It carries nothing about a student, so that every member can read it.
https://hl7.org/fhir/R4/questionnaire.html
"""

from __future__ import annotations

from fhir.resources.R4B.questionnaire import Questionnaire

from app.resources.declaration import ResourceType, Visibility

QUESTIONNAIRE = ResourceType(
    name="Questionnaire",
    model=Questionnaire,
    visibility=Visibility.DIRECTORY,
    student=None,
    codes=("code",),
    clinical_date=(),
    authors=(),
)
