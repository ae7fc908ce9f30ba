"""Criteria with a blank in the place of each code or id: searches for others are then of the same form.

So their statement is made once. Other criteria, whose values shape the condition more than by being there, have none.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from app.db.driver import placeholder
from app.search.normal import key
from app.search.parameters import ParamKind
from app.search.query import Clause, Criterion, ReferenceValue, TokenValue
from app.search.references import uuid_of


def with_placeholders(criteria: Iterable[Clause]) -> tuple[tuple[Clause, ...], dict[str, Any]] | None:
    """The criteria with blanks, and what stands for each.

    None where one of them is not ids, a single system or code, or a reference to a single resource of this server.
    """
    found: list[Clause] = []
    values: dict[str, Any] = {}
    for c in criteria:
        match c:
            case Criterion(parameter="_id", modifier=None):
                name = placeholder(f"{len(found)}_ids")
                ids = (uuid_of(v.code or "") for v in c.values if isinstance(v, TokenValue))
                found.append(replace(c, values=(TokenValue(None, name),)))
                values[name] = [i for i in ids if i is not None]
            case Criterion(kind=ParamKind.TOKEN, modifier=None, values=(TokenValue() as v,)):
                texts = {"system": v.system, "code": v.code}
                names = {part: placeholder(f"{len(found)}_{part}") for part, text in texts.items() if text is not None}
                found.append(replace(c, values=(replace(v, **names),)))
                values |= {name: key(texts[part] or "") for part, name in names.items()}
            case Criterion(
                kind=ParamKind.REFERENCE, modifier=None, values=(ReferenceValue(id=str() as text, url=None) as v,)
            ):
                target, name = uuid_of(text), placeholder(f"{len(found)}_target")
                if target is None:
                    return None
                found.append(replace(c, values=(replace(v, id=name),)))
                values[name] = target
            case _:
                return None
    return tuple(found), values
