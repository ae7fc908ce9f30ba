"""Whether the answers of a QuestionnaireResponse are answers to its form. Pure.

https://hl7.org/fhir/R4/questionnaireresponse.html#link — each fault is told at its element. What a form asks is public,
and what was answered is not repeated.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from app.assessments.conditions import is_enabled
from app.assessments.form import takes
from app.assessments.options import Known, allows, options
from app.errors import Issue

Json = dict[str, Any]
WHOLE = frozenset({"completed", "amended"})
"""Statuses of a response in which what is required is there."""
MOST_FAULTS = 100
"""That are told at once: a form and a response of a few thousand items each can have millions."""
LEAST, MOST = (f"http://hl7.org/fhir/StructureDefinition/{n}Value" for n in ("min", "max"))


@dataclass(frozen=True, slots=True)
class _Judge:
    form: Json
    response: Json
    known: Known

    @property
    def whole(self) -> bool:
        return self.response.get("status") in WHOLE

    def items(self, asked: list[Json], given: list[Json], at: str) -> Iterator[Issue]:
        """The faults of the items beside each other."""
        known = {q["linkId"]: q for q in asked}
        for i, item in enumerate(given):
            question = known.get(item.get("linkId", ""))
            if question is None:
                yield Issue("The form has no such question here.", f"{at}.item[{i}].linkId", "not-found")
            else:
                yield from self.item(question, item, f"{at}.item[{i}]")
        often = Counter(item.get("linkId") for item in given)
        for question in asked:
            name = question["linkId"]
            if often[name] > 1 and not (question.get("type") == "group" and question.get("repeats")):
                yield Issue(f"The question {name} is answered in more than one item.", f"{at}.item", "business-rule")
            needed = self.whole and question.get("required") and question.get("type") != "display"
            if needed and not often[name] and is_enabled(question, self.response):
                yield Issue(f"The question {name} needs an answer.", f"{at}.item", "required")

    def item(self, question: Json, item: Json, at: str) -> Iterator[Issue]:
        """The faults of one item, those below it too."""
        answers = item.get("answer", [])
        if (answers or item.get("item")) and not is_enabled(question, self.response):
            yield Issue("The question is not asked after the other answers.", at, "business-rule")
            return
        if question.get("type") in ("group", "display") and answers:
            yield Issue("This item of the form takes no answer.", f"{at}.answer", "structure")
        if len(answers) > 1 and not question.get("repeats"):
            yield Issue("The question takes one answer.", f"{at}.answer", "structure")
        if self.whole and question.get("required") and question.get("type") not in ("group", "display") and not answers:
            yield Issue(f"The question {question['linkId']} needs an answer.", at, "required")
        for i, answer in enumerate(answers):
            yield from self.answer(question, answer, f"{at}.answer[{i}]")
        if question.get("type") == "group" or item.get("item"):
            yield from self.items(question.get("item", []), item.get("item", []), at)

    def answer(self, question: Json, answer: Json, at: str) -> Iterator[Issue]:
        """The faults of one answer."""
        name = next((k for k in answer if k.startswith("value")), None)
        if question.get("type") not in ("group", "display") and name is not None:
            if name not in takes(question):
                wanted = " or ".join(takes(question))
                text = f"The question is of type {question.get('type')}: its answer must be {wanted}, and is {name}."
                yield Issue(text, f"{at}.value", "value")
            else:
                yield from _value(question, name, answer[name], f"{at}.value")
                codes = options(self.form, question, self.known) if name == "valueCoding" else None
                if codes is not None and not allows(codes, answer[name]):
                    text = "The answer is none of the codes of the question's value set."
                    yield Issue(text, f"{at}.value", "code-invalid")
        if answer.get("item") or (name is not None and question.get("item")):
            yield from self.items(question.get("item", []), answer.get("item", []), at)


def faults(form: Json, response: Json, known: Known = lambda _url: None) -> list[Issue]:
    """Every answer that its form does not take, and every one that is missing from a completed response: the first 100.

    `known`: the codes of value sets by their URLs; answers by a value set that is not known are not judged by it.
    """
    judge = _Judge(form, response, known)
    found = judge.items(form.get("item", []), response.get("item", []), "QuestionnaireResponse")
    return list(islice(found, MOST_FAULTS))


def _value(question: Json, name: str, value: Any, at: str) -> Iterator[Issue]:
    free = question.get("type") == "open-choice" and name == "valueString"
    options = [o[name] for o in question.get("answerOption", []) if name in o]
    if options and not free and not any(_same(value, o) for o in options):
        yield Issue("The answer is none of the form's options.", at, "code-invalid")
    if isinstance(value, str) and len(value) > question.get("maxLength", len(value)):
        yield Issue(f"The answer has more than {question['maxLength']} characters.", at, "value")
    bounds = {x.get("url"): x.get(name) for x in question.get("extension", []) if x.get(name) is not None}
    least, most = bounds.get(LEAST), bounds.get(MOST)
    if name in ("valueInteger", "valueDecimal", "valueDate"):
        if least is not None and value < least:
            yield Issue(f"The answer is below {least}.", at, "value")
        if most is not None and value > most:
            yield Issue(f"The answer is above {most}.", at, "value")


def _same(value: Any, option: Any) -> bool:
    """Whether an answer is an option: of codings, by system and code."""
    if isinstance(value, dict) and isinstance(option, dict):
        return all(value.get(k) == option.get(k) for k in ("system", "code"))
    return bool(value == option)
