"""The pages of a light partner, as HTML. Pure: no script, one file of styles, every value escaped.

https://www.w3.org/TR/WCAG22/ — labels, headings, one language; it works with the keyboard alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any

from app.consent.contact import prohibits
from app.referral import codes as c
from app.referral.judge import state
from app.referral.table import ASKED, OPEN, REQUESTED
from app.resources.paths import first, values

Json = dict[str, Any]
STYLE = """body{font:1rem/1.5 system-ui,sans-serif;max-width:40rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b}
h1{font-size:1.4rem}dt{font-weight:600}dd{margin:0 0 .6rem}form{margin:1rem 0;padding:1rem;border:1px solid #767676}
label{display:block;margin:.4rem 0}input,select,textarea,button{font:inherit;padding:.3rem}
textarea,select{width:100%;box-sizing:border-box}.note{color:#5a5a5a}[role=alert]{color:#8a1500;font-weight:600}
"""


def html_page(title: str, *parts: str) -> str:
    """A page."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">'
        f'<title>{escape(title)}</title><link rel="stylesheet" href="/partner.css"></head>'
        f"<body><main><h1>{escape(title)}</h1>{''.join(parts)}</main></body></html>\n"
    )


def alert(text: str) -> str:
    """What went wrong."""
    return f'<p role="alert">{escape(text)}</p>' if text else ""


def ask_code(link: str, address: str, *, sent: bool, wrong: str = "") -> str:
    """The page before the code: it shows nothing of the referral."""
    parts = [alert(wrong)]
    hidden = f"{address[:1]}…@{address.partition('@')[2]}"
    if sent:
        parts.append(
            f"<p>A code is on its way to {escape(hidden)}. It works once, within ten minutes.</p>"
            f'<form method="post" action="/partner/{escape(link)}/open"><label>Code <input name="code" '
            'inputmode="numeric" autocomplete="one-time-code" required></label>'
            "<button>Show the referral</button></form>"
        )
    parts.append(
        f'<form method="post" action="/partner/{escape(link)}/code"><p>To see the referral you need a code. It is '
        f"sent to {escape(hidden)}.</p><button>{'Send another code' if sent else 'Send the code'}</button></form>"
    )
    return html_page("A referral for your organization", *parts)


def gone() -> str:
    """The page of a link that leads nowhere any more, for whatever reason."""
    text = "The link has expired, or the release under which the referral was shared has ended. Ask the school."
    return html_page("This referral is not open to you", f"<p>{text}</p>")


def failed(title: str, text: str) -> str:
    """The page of an error."""
    return html_page(title, f"<p>{escape(text)}</p>")


def referral(link: str, task: Json, request: Json | None, student: Json | None, school: str, wrong: str = "") -> str:
    """The referral, and what can be done with it."""
    rows: list[tuple[str, Iterable[str]]] = [
        ("From", [school]),
        ("Student", _names(student)),
        ("Date of birth", values(student, "birthDate") if student else []),
        ("What is asked for", _concepts(request, "code")),
        ("Kind of service", _concepts(request, "category")),
        ("Why", _concepts(request, "reasonCode")),
        ("How urgent", values(request, "priority") if request else []),
        ("Made on", values(request, "authoredOn") if request else []),
        ("Notes", [*values(request or {}, "note.text"), *values(task, "note.text")]),
        ("Where it stands", [str(state("Task", task))]),
        ("Reason", values(task, "statusReason.text")),
    ]
    if request is not None and prohibits(request):
        rows.insert(0, ("Contact", ["Do not contact the student or the family. Answer the school."]))
    shown = "".join(
        f"<dt>{escape(name)}</dt>" + "".join(f"<dd>{escape(str(v))}</dd>" for v in found)
        for name, row in rows
        if (found := list(row))
    )
    note = "<p class=note>Federal law does not allow you to pass this on without the family's written consent.</p>"
    version = str(first(task, "meta.versionId"))
    return html_page("Referral", alert(wrong), f"<dl>{shown}</dl>", note, *_forms(link, task, version))


def _forms(link: str, task: Json, version: str) -> list[str]:
    where = str(state("Task", task))
    if where == REQUESTED:
        decline = _reasons(required=True) + '<label>In words <textarea name="text" required></textarea></label>'
        return [
            _form(link, version, "accept", "Accept the referral", ""),
            _form(link, version, "decline", "Decline it", decline),
        ]
    if where == ASKED:
        return [_form(link, version, "cancel", "Confirm that it is canceled", "<p>The school asks to cancel it.</p>")]
    if where in OPEN:
        done = '<label>What was delivered <textarea name="text" required></textarea></label>' + _reasons(required=False)
        return [_form(link, version, "done", "Done", done)]
    return ["<p>Nothing is left to do. Thank you.</p>"]


def _form(link: str, version: str, action: str, label: str, inside: str) -> str:
    return (
        f'<form method="post" action="/partner/{escape(link)}/referral"><input type="hidden" name="action" '
        f'value="{action}"><input type="hidden" name="version" value="{escape(version)}">{inside}<button>'
        f"{label}</button></form>"
    )


def _reasons(*, required: bool) -> str:
    options = "".join(f'<option value="{k}">{escape(v)}</option>' for k, v in c.STATUS_REASONS.items())
    none = '<option value="">(a service was delivered)</option>' if not required else '<option value="">Choose</option>'
    return f'<label>Reason <select name="reason"{" required" if required else ""}>{none}{options}</select></label>'


def _names(student: Json | None) -> list[str]:
    return [" ".join([*n.get("given", []), n.get("family", "")]) for n in values(student or {}, "name")][:1]


def _concepts(resource: Json | None, path: str) -> list[str]:
    found = values(resource or {}, path)
    return [str(f.get("text") or first(f, "coding.display") or first(f, "coding.code") or "") for f in found]
