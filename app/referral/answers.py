"""What an owner answers a referral with on a page: accept, decline, done, cancel. Pure. docs/referral.md"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.referral import codes as c
from app.referral.table import CANCELED, COMPLETED

Json = dict[str, Any]


def answered(task: Json, form: Mapping[str, str]) -> Json | None:
    """The Task with what the partner answered; None for a form that is none of the page's."""
    action, text, code = form.get("action"), form.get("text", "").strip(), form.get("reason", "")
    if code and code not in c.STATUS_REASONS:
        return None
    reason = {"coding": [{"system": c.STATUS_REASON, "code": code, "display": c.STATUS_REASONS[code]}]} if code else {}
    said = {**reason, "text": text or c.STATUS_REASONS.get(code, "")}
    match action:
        case "accept":
            return task | _moved("accepted", c.ACCEPTED)
        case "decline":
            return task | _moved("rejected", c.DECLINED) | {"statusReason": said}
        case "done" if code:
            return task | _moved(COMPLETED, c.COMPLETED) | {"statusReason": said}
        case "done":
            output = {"type": {"text": "What was delivered"}, "valueString": text}
            return task | _moved(COMPLETED, c.COMPLETED) | {"output": [*task.get("output", []), output]}
        case "cancel":
            return task | _moved(CANCELED, c.CANCELED)
    return None


def _moved(status: str, business: str) -> Json:
    coding = {"system": c.BUSINESS_STATUS, "code": business, "display": c.BUSINESS_STATUSES[business]}
    return {"status": status, "businessStatus": {"coding": [coding]}}
