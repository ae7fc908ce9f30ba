"""Parts of Ed-Fi records as FHIR data types. Pure.
https://hl7.org/fhir/R4/datatypes.html

A part that is marked as not to be published is left out: families at a confidential address are marked so.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from app.errors import HallpassError, Issue, Kind
from app.intake.edfi import codes
from app.intake.edfi.shapes import Record
from app.resources.paths import first, values

Json = dict[str, Any]
ED_FI = "uri://ed-fi.org/"

_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})(?:Z|[+-]\d{2}:\d{2})?")
_BOOLEAN = {"true": True, "1": True, "false": False, "0": False}


def required(record: Record, path: str) -> str:
    """The text at `path`. Raises HallpassError where there is none."""
    found = first(record, path)
    if not isinstance(found, str):
        raise HallpassError(Kind.INVALID, Issue("This element is required.", path))
    return found


def code(descriptor: str | None) -> str:
    """The code value of a descriptor of Ed-Fi: `Female` of `uri://ed-fi.org/SexDescriptor#Female`; empty for None.

    It is empty for one in a district's own namespace, too: its words are not Ed-Fi's, even where they look alike.
    """
    namespace, _, value = (descriptor or "").rpartition("#")
    return value if not namespace or namespace.lower().startswith(ED_FI) else ""


def own_code(descriptor: str | None) -> str:
    """The code value of a descriptor of anybody."""
    return (descriptor or "").rpartition("#")[2]


def concept(descriptor: str, *codings: Json) -> Json:
    """A CodeableConcept of the given codings, then the descriptor's own, with its code value as text."""
    namespace, _, value = descriptor.rpartition("#")
    if not (namespace and value) or " " in namespace:
        return {"text": descriptor}
    return {"coding": [*codings, {"system": namespace, "code": value}], "text": value}


def boolean(record: Record, path: str) -> bool | None:
    """The xs:boolean at `path`, None where it is absent. Raises HallpassError for any other text."""
    text = first(record, path)
    if text is None:
        return None
    if text not in _BOOLEAN:
        raise HallpassError(Kind.INVALID, Issue("This element is true or false.", path))
    return _BOOLEAN[text]


def day(record: Record, path: str) -> str | None:
    """The xs:date at `path` as a FHIR date, None where it is absent. Raises HallpassError for any other text."""
    text = first(record, path)
    if text is None:
        return None
    match = _DATE.fullmatch(text)
    try:
        return date.fromisoformat(match[1] if match else "").isoformat()
    except ValueError:
        raise HallpassError(Kind.INVALID, Issue("The element must be a date such as 2014-11-13.", path)) from None


def names(person: Record) -> list[Json]:
    """HumanNames: the official one, the usual one where a preferred name is given, and the other names."""
    name = first(person, "Name") or {}
    official = _name(name, "official", required(person, "Name.FirstName"), required(person, "Name.LastSurname"))
    found = [official]
    preferred = first(name, "PreferredFirstName"), first(name, "PreferredLastSurname")
    if any(preferred):
        given, family = preferred[0] or official["given"][0], preferred[1] or official["family"]
        found.append({"use": "usual", "family": family, "given": [given]})
    for other in values(person, "OtherName"):
        use = codes.NAME_USE.get(code(first(other, "OtherNameType")), "usual")
        found.append(_name(other, use, required(other, "FirstName"), required(other, "LastSurname")))
    return found


def addresses(record: Record) -> list[Json]:
    """Addresses of a person or an institution, without those that say no place."""
    found = [_address(a) for a in values(record, "Address") if not boolean(a, "DoNotPublishIndicator")]
    return [a for a in found if a.keys() & {"line", "city", "district", "state", "postalCode"}]


def telecom(record: Record) -> list[Json]:
    """ContactPoints of a person: telephones, then e-mail."""
    phones = [_phone(t) for t in values(record, "Telephone") if not boolean(t, "DoNotPublishIndicator")]
    mails = [
        filled(
            system="email",
            value=required(m, "ElectronicMailAddress"),
            use=codes.MAIL_USE.get(code(first(m, "ElectronicMailType"))),
        )
        for m in values(record, "ElectronicMail")
        if not boolean(m, "DoNotPublishIndicator")
    ]
    return phones + mails


def communication(record: Record) -> list[Json]:
    """The languages of a person, each once, as BackboneElements with a `language`."""
    said = dict.fromkeys(code(d) for d in values(record, "Language.Language"))
    return [{"language": _language(value)} for value in said if value and value not in codes.NO_LANGUAGE]


def gender(record: Record) -> str | None:
    """administrative-gender of the record's Sex."""
    return codes.GENDER.get(code(first(record, "Sex")))


def filled(**elements: Any) -> Json:
    """The elements that are neither None nor an empty list, in order."""
    return {k: v for k, v in elements.items() if v is not None and v != []}


def _name(name: Record, use: str, first_name: str, family: str) -> Json:
    return filled(
        use=use,
        family=family,
        given=[first_name, *values(name, "MiddleName")],
        prefix=values(name, "PersonalTitlePrefix"),
        suffix=values(name, "GenerationCodeSuffix"),
    )


def _address(address: Record) -> Json:
    lines = ("StreetNumberName", "BuildingSiteNumber", "ApartmentRoomSuiteNumber")
    return {
        **codes.ADDRESS.get(code(first(address, "AddressType")), {}),
        **filled(
            line=[line for name in lines for line in values(address, name)],
            city=first(address, "City"),
            district=first(address, "NameOfCounty"),
            state=code(first(address, "StateAbbreviation")) or None,
            postalCode=first(address, "PostalCode"),
            period=_period(address),
        ),
    }


def _period(record: Record) -> Json | None:
    """The Period of a record. Raises HallpassError where it ends before it begins (per-1)."""
    start, end = day(record, "Period.BeginDate"), day(record, "Period.EndDate")
    if start and end and start > end:
        raise HallpassError(Kind.INVALID, Issue("This period ends before it begins.", "Period"))
    return filled(start=start, end=end) or None


def _phone(telephone: Record) -> Json:
    kind = codes.TELEPHONE.get(code(first(telephone, "TelephoneNumberType")), {"system": "phone"})
    rank = first(telephone, "OrderOfPriority") or ""
    return filled(
        system=kind["system"],
        value=required(telephone, "TelephoneNumber"),
        use=kind.get("use"),
        rank=int(rank) if re.fullmatch(r"[1-9]\d{0,8}", rank) else None,
    )


def _language(value: str) -> Json:
    tag = codes.LANGUAGE_TAG.get(value, value if re.fullmatch(r"[a-z]{3}", value) else None)
    return {"coding": [{"system": codes.LANGUAGE, "code": tag}]} if tag else {"text": value}
