"""Answers are judged by their form when they are written, and take the labels that the form gives them.

The form is one that the writer's organization holds, or one above it, or one that the exchange ships. A response to
a form of others is stored as it is: nobody's form refuses another's record.
"""

from __future__ import annotations

from typing import Any

from app.assessments.form import with_labels
from app.assessments.judge import faults
from app.assessments.shipped import SHIPPED
from app.db import read as store
from app.errors import HallpassError, Kind
from app.fhir.json import parse
from app.limits.long_work import is_large, off_loop
from app.resources import ResourceType
from app.search.normal import key
from app.search.value_sets import codes_of
from app.session import Session


async def with_answers_judged(session: Session, declared: ResourceType, content: dict[str, Any]) -> dict[str, Any]:
    """What is stored of a body. Raises UNPROCESSABLE with the answers that the form does not take, and TOO_COSTLY."""
    if declared.name != "QuestionnaireResponse" or content.get("status") == "entered-in-error":
        return content
    form = await form_of(session, content.get("questionnaire"))
    if form is None:
        return content
    large = is_large(content) or is_large(form)
    if found := await off_loop(session.caller.client, lambda: faults(form, content, codes_of), large=large):
        raise HallpassError(Kind.UNPROCESSABLE, *found)
    return with_labels(form, content)


async def form_of(session: Session, canonical: Any) -> dict[str, Any] | None:
    """The form that a canonical URL means to the caller; the newest of several."""
    url, _, version = canonical.partition("|") if isinstance(canonical, str) else ("", "", "")
    if not url:
        return None
    held = [parse(body) for body in await store.forms(session.connection, key(url), session.ancestors)]
    for form in [*held, *(f for f in SHIPPED if f["url"] == url)]:
        if not version or form.get("version") == version:
            return form
    return None
