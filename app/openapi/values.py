"""The JSON Schema of a search parameter's value, by the parameter's type: what app/search/values.py understands.

https://hl7.org/fhir/R4/search.html#ptypes and https://hl7.org/fhir/R4/search.html#escaping
"""

from __future__ import annotations

from typing import Any

from app.openapi.primitives import ID, MOMENT
from app.resources import REGISTRY
from app.search.parameters import PARAMETERS, Parameter, ParamKind

Schema = dict[str, Any]

_ESCAPED = r"\\[\\,|$]"
_CHARACTER = rf"([^\u0000\\,]|{_ESCAPED})"
_OF_TOKEN = rf"([^\u0000\\,|]|{_ESCAPED})"
_OF_COMPONENT = rf"([^\u0000\\,|$]|{_ESCAPED})"
_SHOWN = rf"([^\u0000\\,\s]|{_ESCAPED})"
_PREFIX = "(eq|ne|gt|ge|lt|le|sa|eb|ap)?"
_NUMBER = r"[+-]?([0-9]{1,18}(\.[0-9]{0,12})?|\.[0-9]{1,12})([eE][+-]?[0-9]{1,2})?"


def _coded(character: str) -> str:
    """`code`, `system|code`, `|code` or `system|`."""
    return rf"({character}+(\|{character}*)?|\|{character}+)"


def _listed(one: str, description: str) -> Schema:
    """One value or several between commas."""
    return {"type": "string", "description": description, "pattern": f"^{one}(,{one})*$"}


def _reference() -> Schema:
    types = "|".join(sorted(t.name for t in REGISTRY))
    one = rf"({ID}|({types})/{ID}|{_CHARACTER}*:{_CHARACTER}*)"
    return _listed(one, "An id, `Type/id` of a type that the parameter may lead to, or a URL.")


_EVERY: dict[str, Schema] = {
    "SearchBoolean": _listed(rf"({_OF_TOKEN}*\|)?(true|false)", "`true` or `false`."),
    "SearchComposite": _listed(rf"{_coded(_OF_COMPONENT)}\${_coded(_OF_COMPONENT)}", "Two tokens between `$`."),
    "SearchCompositeOfCode": _listed(rf"{_coded(_OF_COMPONENT)}\${_CHARACTER}+", "A token, and a value behind `$`."),
    "SearchDate": _listed(f"{_PREFIX}{MOMENT}", "`2024`, `2024-09`, `ge2024-09-30`, `2024-09-30T08:00:00Z`."),
    "SearchId": _listed(ID, "Ids."),
    "SearchMoment": {"type": "string", "description": "A date or a moment.", "pattern": f"^{MOMENT}$"},
    "SearchNumber": _listed(rf"{_PREFIX}{_NUMBER}", "`5`, `ge0.5`."),
    "SearchQuantity": _listed(
        rf"{_PREFIX}{_NUMBER}(\|{_OF_TOKEN}*\|{_OF_TOKEN}*)?", "A number, `number|system|code` or `number||code`."
    ),
    "SearchReference": _reference(),
    "SearchString": _listed(f"{_CHARACTER}*{_SHOWN}{_CHARACTER}*", "The start of a text, case and accents aside."),
    "SearchToken": _listed(_coded(_OF_TOKEN), "`code`, `system|code`, `|code` or `system|`."),
    "SearchUri": _listed(f"{_CHARACTER}+", "A URI."),
}

_NAMES = {
    ParamKind.TOKEN: "SearchToken",
    ParamKind.STRING: "SearchString",
    ParamKind.DATE: "SearchDate",
    ParamKind.QUANTITY: "SearchQuantity",
    ParamKind.NUMBER: "SearchNumber",
    ParamKind.REFERENCE: "SearchReference",
    ParamKind.URI: "SearchUri",
    ParamKind.COMPOSITE: "SearchComposite",
}


def value(parameter: Parameter) -> Schema:
    """The schema of one occurrence of a parameter without a modifier."""
    return {"$ref": f"#/components/schemas/{_component(parameter)}"}


def moment() -> Schema:
    """The schema of a date as a parameter of an operation takes it: without a prefix, and only one."""
    return {"$ref": "#/components/schemas/SearchMoment"}


def _component(parameter: Parameter) -> str:
    if parameter.code == "_id":
        return "SearchId"
    if parameter.paired is not None:
        return "SearchCompositeOfCode"
    return "SearchBoolean" if parameter.types == {"boolean"} else _NAMES[parameter.kind]


COMPONENTS = {
    name: schema
    for name, schema in _EVERY.items()
    if name == "SearchMoment" or name in {_component(p) for own in PARAMETERS.values() for p in own.values()}
}
"""The schemas of the values of parameters, by the name of their component. A backslash escapes `,`, `|` and `$`."""
