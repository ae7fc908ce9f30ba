"""OperationOutcome: what every error, and a success that has something to say, looks like on the wire.

https://hl7.org/fhir/R4/operationoutcome.html
"""

from __future__ import annotations

from typing import Any

from app.errors import HallpassError, Issue


def outcome(error: HallpassError) -> dict[str, Any]:
    """The OperationOutcome of `error`, one issue for each of its own; the kind gives the code that an issue lacks."""
    issues = error.issues or (Issue(f"The request failed: {error.kind.value}."),)
    return _resource([_issue(i.severity, i.code or error.code, i.text, i.expression) for i in issues])


def success(text: str, *more: Issue) -> dict[str, Any]:
    """An OperationOutcome that says what was done, and what more there is to say."""
    said = [Issue(text, None, "informational", "information"), *more]
    return _resource([_issue(i.severity, i.code or "informational", i.text, i.expression) for i in said])


def warning(text: str) -> dict[str, Any]:
    """An OperationOutcome that says what was left out, at the caller's wish."""
    return _resource([_issue("warning", "not-supported", text, None)])


def _resource(issues: list[dict[str, Any]]) -> dict[str, Any]:
    return {"resourceType": "OperationOutcome", "issue": issues}


def _issue(severity: str, code: str, text: str, expression: str | None) -> dict[str, Any]:
    issue: dict[str, Any] = {"severity": severity, "code": code, "details": {"text": text}}
    if expression is not None:
        issue["expression"] = [expression]
    return issue
