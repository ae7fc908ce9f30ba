"""QuestionnaireResponse: the answers to a form, about a student.
https://hl7.org/fhir/R4/questionnaireresponse.html
"""

from __future__ import annotations

from fhir.resources.R4B.questionnaireresponse import QuestionnaireResponse

from app.resources.declaration import ResourceType, Visibility

QUESTIONNAIRE_RESPONSE = ResourceType(
    name="QuestionnaireResponse",
    model=QuestionnaireResponse,
    visibility=Visibility.COMPARTMENT,
    student="subject",
    codes=(),
    clinical_date=("authored",),
    authors=("author", "source"),
)
