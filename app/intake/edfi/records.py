"""An item of the Ed-Fi ODS/API as the record that the XML binding would have. Pure.
https://docs.ed-fi.org/reference/ods-api/

Only what a shape names is read: an identity document, a visa or a place of birth goes nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.errors import HallpassError, Issue, Kind
from app.intake.edfi.shapes import ONLY_WHERE, SHAPES, Record, Shape

_LISTS = {
    "Address": "addresses",
    "Telephone": "telephones",
    "InstitutionTelephone": "institutionTelephones",
    "ElectronicMail": "electronicMails",
    "OtherName": "otherNames",
    "Language": "languages",
    "Race": "races",
    "StudentIdentificationCode": "studentIdentificationCodes",
    "Period": "periods",
}
"""Element -> the list that holds it."""
_WITHIN = frozenset({"Name", "BirthData"})
"""Parts that the API holds in the record itself."""
_CALLED = {
    "SchoolYear": "schoolYearTypeReference.schoolYear",
    "contactUniqueId": "parentUniqueId",
    "contactReference": "parentReference",
}
"""Where an element is under another name: in a reference, or before version 5 of the standard."""


def record_of(name: str, item: Any) -> Record:
    """An item of a resource as a record. Raises HallpassError where it is of another shape."""
    if not isinstance(item, dict):
        raise HallpassError(Kind.INVALID, Issue("This is no record: a JSON object is expected."))
    return _content(SHAPES[name], item)


def takes_authority(item: Any) -> str | None:
    """`student/contact` of an association that cannot be read, where it states a restriction or no guardian."""
    if not isinstance(item, dict) or not (item.get("contactRestrictions") or item.get("legalGuardian") is False):
        return None
    student, contact = item.get("studentReference"), item.get("contactReference") or item.get("parentReference")
    if not isinstance(student, dict) or not isinstance(contact, dict):
        return None
    ids = student.get("studentUniqueId"), contact.get("contactUniqueId") or contact.get("parentUniqueId")
    return "/".join(map(str, ids)) if all(ids) else None


def _content(shape: Shape, item: Mapping[str, Any]) -> Record:
    found: Record = {}
    for element, inner in shape.items():
        if element.startswith("@"):
            continue
        values = _values(element, inner, item)
        if element in ONLY_WHERE:
            key, known = ONLY_WHERE[element]
            values = [v for v in values if set(_codes(v, key)) & known]
        if values:
            found[element] = values
    return found


def _values(element: str, inner: Shape | None, item: Mapping[str, Any]) -> list[Any]:
    if element in _WITHIN and inner is not None:
        held = _content(inner, item)
        return [held] if held else []
    if element.endswith("Reference") and inner is not None:
        return _reference(element, inner, item)
    if element in _LISTS and (_LISTS[element] in item or inner is not None):
        return [v for i in _list(element, item) for v in _item(element, inner, i)]
    return _texts(element, item)


def _item(element: str, inner: Shape | None, item: Any) -> list[Any]:
    """An item of a list: with its parts, or the one descriptor that it is."""
    if not isinstance(item, dict):
        raise _unfit(element)
    if inner is None:
        return _texts(element, item)
    if element == "Language":
        return [{"Language": _texts("Language", item)}]
    return [_content(inner, item)]


def _reference(element: str, inner: Shape, item: Mapping[str, Any]) -> list[Any]:
    called = _camel(element)
    held = item.get(called) or item.get(_CALLED.get(called, ""))
    if held is None:
        return []
    if not isinstance(held, dict):
        raise _unfit(element)
    identity = next(name for name in inner if not name.startswith("@"))
    keys = inner[identity]
    return [{identity: [_content(keys or {}, held)]}]


def _texts(element: str, item: Mapping[str, Any]) -> list[str]:
    camel = _camel(element)
    called = _CALLED.get(element) or _CALLED.get(camel, "")
    for path in (camel, f"{camel}Descriptor", called):
        value: Any = item
        for part in path.split(".") if path else ():
            value = value.get(part) if isinstance(value, dict) else None
        if value is None or not path:
            continue
        if isinstance(value, bool):
            return ["true" if value else "false"]
        if isinstance(value, int | float):
            return [str(value)]
        if not isinstance(value, str) or "\0" in value:
            raise _unfit(element)
        return [value.strip()] if value.strip() else []
    return []


def _list(element: str, item: Mapping[str, Any]) -> list[Any]:
    held = item.get(_LISTS[element])
    if held is None:
        return []
    if not isinstance(held, list):
        raise _unfit(element)
    return held


def _codes(record: Any, key: str) -> list[str]:
    return [value.rpartition("#")[2] for value in record.get(key, [])]


def _camel(element: str) -> str:
    return element[0].lower() + element[1:]


def _unfit(element: str) -> HallpassError:
    return HallpassError(Kind.INVALID, Issue("This is not the kind of value that Ed-Fi has here.", element))
