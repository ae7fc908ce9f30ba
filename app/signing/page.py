"""The pages, and the copy that is kept, from what a link leads to."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app.resources.paths import first, values
from app.signing.catalog import CATALOGS, Catalog
from app.signing.found import Found
from app.signing.links import END, Link
from app.signing.terms import LAWS

_HERE = Path(__file__).parent / "templates"
_ENVIRONMENT = Environment(
    loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
STYLE = (_HERE / "sign.css").read_text()
SCRIPT = (_HERE / "draw.js").read_text()
_KIN = {"MTH": "MTH", "NMTH": "MTH", "FTH": "FTH", "NFTH": "FTH", "ADOPTP": "ADOPTP", "ADOPTF": "ADOPTP",
        "ADOPTM": "ADOPTP", "GUARD": "GUARD"}  # fmt: skip
Json = dict[str, Any]


def render(template: str, words: Catalog, **said: object) -> str:
    """A page in a language."""
    others = [(c.language, c("language")) for c in CATALOGS.values()]
    return _ENVIRONMENT.get_template(template).render(words=words, languages=others, **said)


def shown(found: Found, words: Catalog) -> Json:
    """The terms of a release in words."""
    t, zone = found.terms, found.zone
    uris = values(found.consent, "policy.uri")
    organization = str(first(found.consent, "organization.reference") or "").rpartition("/")[2]
    return {
        "student": name(found.patient),
        "born": words.date_of(str(found.patient.get("birthDate", "")), zone),
        "discloser": found.organizations.get(organization, ""),
        "recipients": [found.organizations[r] for r in t.recipients],
        "kinds": words.listed("type", t.kinds),
        "kept": words.listed("type", t.kept),
        "labels": list(dict.fromkeys(words.listed("label", t.labels))),
        "purposes": words.listed("purpose", t.purposes),
        "begin": words.date_of(t.begin or datetime.now(zone).date().isoformat(), zone),
        "end": words.date_of(t.end, zone),
        "laws": [words(f"law.{law}") for law, uri in LAWS.items() if uri in uris],
        "choice": words("form.choice.self" if found.is_student else "form.choice"),
        "others": words("form.others"),
    }


def evidence(link: Link, found: Found, words: Catalog, *, name: str, drawing: str, at: datetime, proof: str) -> str:
    """The copy: what was agreed to, by whom, when, and how it was known who that was."""
    act = "end" if link.act == END else "sign"
    return render(
        "copy.html",
        words,
        act=act,
        signer=signer(found, words),
        typed=name,
        drawing=drawing,
        at=words.moment(at, found.zone),
        proof=proof,
        number=f"{link.consent} / {found.consent['meta']['versionId']}",
        **shown(found, words),
    )


def signer(found: Found, words: Catalog) -> str:
    """Who signs, and what they are to the student."""
    if found.is_student:
        return words("copy.student", name=name(found.signer))
    codes = [_KIN[k] for k in values(found.signer, "relationship.coding.code") if k in _KIN]
    return words("copy.kin", name=name(found.signer), kin=words(f"kin.{(codes or ['other'])[0]}"))


def name(person: Json) -> str:
    """The name of a person in one line."""
    found = first(person, "name") or {}
    return str(found.get("text") or " ".join([*found.get("given", []), found.get("family", "")])).strip() or "—"
