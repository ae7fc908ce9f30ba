"""StructureDefinitions with snapshots: a profile's rules laid over HL7's definition of its type. Pure.

https://hl7.org/fhir/R4/profiling.html#snapshot — slices are those of `extension`, told apart by url.
"""

from __future__ import annotations

from copy import deepcopy
from functools import cache

from app.capability.extensions import EXTENSIONS, Own
from app.capability.hl7 import structure
from app.capability.profiles import PROFILES, Profile
from app.capability.rules import Rule, element
from app.terminology.definition import FHIR_VERSION, Json, canonical, definition

SLICING = {"discriminator": [{"type": "value", "path": "url"}], "ordered": False, "rules": "open"}
MERGED = frozenset({"constraint"})
"""What a differential adds to, where everything else takes the place of the base's."""


@cache
def structures() -> tuple[Json, ...]:
    """The StructureDefinitions of all profiles and extensions, each with differential and snapshot."""
    return (*map(_profile, PROFILES), *map(_extension, EXTENSIONS))


def _profile(profile: Profile) -> Json:
    base = structure(profile.type)
    differential = [element(profile.type, rule, _narrowed(base, profile.type, rule)) for rule in profile.rules]
    if differential[0]["path"] != profile.type:
        differential.insert(0, {"id": profile.type, "path": profile.type})
    differential[0]["definition"] = profile.description
    return _structure(profile.name, profile.title, profile.description, base, differential)


def _extension(own: Own) -> Json:
    base = structure("Extension")
    value: Json = {"id": "Extension.value[x]", "path": "Extension.value[x]", "min": 1, "type": [{"code": own.type}]}
    if own.binding:
        value["binding"] = {"strength": own.binding[0], "valueSet": own.binding[1]}
    differential: list[Json] = [
        {"id": "Extension", "path": "Extension", "short": own.title, "definition": own.description, "max": own.most},
        {"id": "Extension.extension", "path": "Extension.extension", "max": "0"},
        {"id": "Extension.url", "path": "Extension.url", "fixedUri": own.url},
        value,
    ]
    context = [{"type": "element", "expression": place} for place in (own.on, *own.also)]
    return _structure(own.name, own.title, own.description, base, differential, context=context)


def _structure(name: str, title: str, description: str, base: Json, differential: list[Json], **more: object) -> Json:
    url = canonical("StructureDefinition", name)
    return definition(
        "StructureDefinition",
        name,
        title,
        description,
        fhirVersion=FHIR_VERSION,
        kind=base["kind"],
        abstract=False,
        **more,
        type=base["type"],
        baseDefinition=base["url"],
        derivation="constraint",
        snapshot={"element": snapshot(base, differential, url)},
        differential={"element": differential},
    )


def snapshot(base: Json, differential: list[Json], url: str) -> list[Json]:
    """The elements of `base` with a differential merged into them; those below a datatype are unrolled where needed."""
    found: list[Json] = deepcopy(base["snapshot"]["element"])
    for change in differential:
        at = _index(found, change["id"])
        if at is None and "sliceName" in change:
            at = _slice(found, change)
        elif at is None:
            _unroll(found, change["path"])
            at = _index(found, change["id"])
        assert at is not None, change["id"]
        found[at] = _merged(found[at], change, url)
    return found


def _merged(old: Json, change: Json, url: str) -> Json:
    added = [{**constraint, "source": url} for constraint in change.get("constraint", ())]
    new = {**old, **{k: v for k, v in change.items() if k not in MERGED}}
    if added:
        new["constraint"] = [*old.get("constraint", ()), *added]
    return new


def _slice(found: list[Json], change: Json) -> int:
    """Put a slice behind its siblings; the first one says on the sliced element how slices are told apart."""
    at = _index(found, change["path"])
    assert at is not None, change["path"]
    sliced = found[at]
    sliced["slicing"] = SLICING
    place = at + 1
    while found[place]["path"] == sliced["path"]:
        place += 1
    bare = {k: v for k, v in sliced.items() if k not in ("slicing", "id")}
    found.insert(place, {"id": change["id"], **bare})
    return place


def _unroll(found: list[Json], path: str) -> None:
    """Put below the parent of a path what it is made of: its datatype's elements, or those of what it repeats."""
    parent = path.rpartition(".")[0]
    at = _index(found, parent)
    assert at is not None, parent
    repeated = found[at].pop("contentReference", "").removeprefix("#")
    if repeated:
        original = _index(found, repeated)
        assert original is not None, repeated
        found[at]["type"] = found[original]["type"]
        inner = deepcopy([e for e in structure(path.partition(".")[0])["snapshot"]["element"] if _below(e, repeated)])
    else:
        (repeated,) = (t["code"] for t in found[at]["type"])
        inner = deepcopy(structure(repeated)["snapshot"]["element"][1:])
    for one in inner:
        one["id"] = one["path"] = parent + one["path"].removeprefix(repeated)
    found[at + 1 : at + 1] = inner


def _below(element: Json, path: str) -> bool:
    return bool(element["path"].startswith(f"{path}."))


def _index(found: list[Json], id: str) -> int | None:
    return next((i for i, e in enumerate(found) if e["id"] == id), None)


def _narrowed(base: Json, type_name: str, rule: Rule) -> Json:
    """The element of the base that a rule narrows; an empty one for what lies in a datatype."""
    path = f"{type_name}.{rule.path.partition(':')[0]}".rstrip(".")
    return next((e for e in base["snapshot"]["element"] if e["path"] == path), {})
