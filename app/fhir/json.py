"""Strict FHIR JSON in and out: what another system could read differently is refused, decimals keep their precision.

https://hl7.org/fhir/R4/json.html

Kept: the digits of a decimal, trailing zeros and its exponent (1.00, 1.0E+2). Not kept: the spelling of the
exponent (1.0e2 and 1.0E2 are written 1.0E+2, 0.00000010 is written 1.0E-7, 100e-2 is written 1.00), the sign of
the integer -0, escapes in strings and white space between tokens.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, NoReturn

import orjson

from app.errors import HallpassError, Issue, Kind

MAX_DEPTH = 64
MAX_NUMBER = 40
MAX_EXPONENT = 100
INTEGERS = range(-(2**63), 2**63)

_PART = 65_536
_BOM = b"\xef\xbb\xbf"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_NOT_STRUCTURE = bytes(b for b in range(256) if b not in b"{}[]")
_CONTROL = re.compile(rb"\\(?:[bf]|u00(?:0[0-8bcefBCEF]|1[0-9a-fA-F]))")
_LONE_SURROGATE = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    rb"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)
_OPTIONS = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS
_VERSIONED = frozenset({"versionId", "lastUpdated"})


def parse(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`: numbers with a fraction or exponent are Decimal, the others int.

    Raises HallpassError(MALFORMED), with a position or an element path and never a value, when the body is not UTF-8,
    not JSON or not an object, repeats a key, nests deeper than MAX_DEPTH, holds a control character that FHIR
    strings do not allow or half a surrogate pair, or a number that is not finite or that no FHIR type can hold.
    https://hl7.org/fhir/R4/datatypes.html#string
    """
    body = body.removeprefix(_BOM)
    try:
        text = body.decode()
    except UnicodeDecodeError as e:
        _refuse(f"The body is not UTF-8: byte {e.start}.")
    escapes = masked(body)
    if _depth(escapes) > MAX_DEPTH:
        _refuse(f"The body is nested deeper than {MAX_DEPTH} levels.")
    if found := _CONTROL.search(escapes):
        _refuse(f"A string holds a control character: byte {found.start()}.")
    if rb"\u" in escapes and (found := _LONE_SURROGATE.search(escapes)):
        _refuse(f"A string holds half a surrogate pair: byte {found.start()}.")
    return _Reader().read(text)


def dump(value: Any, *, pretty: bool = False) -> bytes:
    """`value` as UTF-8 JSON, compact, or indented by two spaces. Raises TypeError for what JSON cannot hold."""
    return orjson.dumps(value, default=_default, option=_OPTIONS | (orjson.OPT_INDENT_2 if pretty else 0))


def canonical(resource: dict[str, Any]) -> bytes:
    """The content of `resource` as bytes that are equal exactly when nothing but its version changed.

    Keys are sorted; `meta.versionId`, `meta.lastUpdated` and a `meta` with nothing else in it are left out.
    """
    content = {k: v for k, v in resource.items() if k != "meta"}
    if meta := {k: v for k, v in resource.get("meta", {}).items() if k not in _VERSIONED}:
        content["meta"] = meta
    return orjson.dumps(content, default=_default, option=_OPTIONS | orjson.OPT_SORT_KEYS)


def _default(value: Any) -> orjson.Fragment:
    if isinstance(value, Decimal) and value.is_finite():
        return orjson.Fragment(str(value))
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _depth(escapes: bytes) -> int:
    """The deepest nesting of a body whose escaped quotes are masked, counted before any recursion."""
    depth = deepest = 0
    for part in outside_strings(escapes):
        for bracket in part.translate(None, _NOT_STRUCTURE):
            depth += 1 if bracket in b"{[" else -1
            deepest = max(deepest, depth)
    return deepest


def masked(body: bytes) -> bytes:
    """A body of the same length in which what is left of a backslash starts a real escape, and of quotes a string."""
    return body.replace(rb"\\", b"__").replace(rb"\"", b"__")


def outside_strings(escapes: bytes) -> Iterator[bytes]:
    """What lies outside of the strings of a masked body, in parts: each is short work, so that others get a turn."""
    inside = False
    for start in range(0, len(escapes), _PART):
        parts = escapes[start : start + _PART].split(b'"')
        yield b"".join(parts[1::2] if inside else parts[::2])
        inside ^= len(parts) % 2 == 0


class _Fault:
    """Stands where a number was refused, so that its path can be told."""

    def __init__(self, text: str) -> None:
        self.text = text


class _Reader:
    """One run of the standard parser. What its hooks refuse is kept, so that its path can be told at the end."""

    def __init__(self) -> None:
        self.repeats: dict[int, tuple[dict[str, Any], str]] = {}
        self.faulty = False
        self.decoder = json.JSONDecoder(
            object_pairs_hook=self._object, parse_float=self._decimal, parse_int=self._integer, parse_constant=self._nan
        )

    def read(self, text: str) -> dict[str, Any]:
        try:
            value = self.decoder.decode(text)
        except json.JSONDecodeError as e:
            _refuse(f"The body is not JSON: line {e.lineno}, column {e.colno}.")
        if self.faulty:
            _refuse(*next(self._faults(value)))
        if not isinstance(value, dict):
            _refuse("The body is not a JSON object.")
        return value

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) != len(pairs):
            repeated = next(k for k, n in Counter(k for k, _ in pairs).items() if n > 1)
            self.repeats[id(made)] = made, repeated
            self.faulty = True
        return made

    def _decimal(self, text: str) -> Decimal | _Fault:
        number = Decimal(text) if len(text) <= MAX_NUMBER else None
        if number is None or abs(int(number.as_tuple().exponent)) > MAX_EXPONENT:
            return self._fault(f"A number has more than {MAX_NUMBER} characters or an exponent beyond {MAX_EXPONENT}.")
        return number

    def _integer(self, text: str) -> int | _Fault:
        if len(text) > MAX_NUMBER or (number := int(text)) not in INTEGERS:
            return self._fault("An integer has more than 64 bits.")
        return number

    def _nan(self, _text: str) -> _Fault:
        return self._fault("A number is not finite.")

    def _fault(self, text: str) -> _Fault:
        self.faulty = True
        return _Fault(text)

    def _faults(self, root: Any) -> Iterator[tuple[str, str]]:
        """Text and path of each fault. What a repeated key overwrote is not found, but the repeat above it is."""
        for path, value in _nodes(root, ""):
            if isinstance(value, _Fault):
                yield value.text, path
            elif id(value) in self.repeats:
                yield "An object has the element twice.", _below(path, self.repeats[id(value)][1])


def _nodes(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every value under `value` with its path, itself first."""
    yield path, value
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _nodes(item, _below(path, key))
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from _nodes(item, f"{path}[{i}]")


def _below(path: str, key: str) -> str:
    """`path` and `key`; a key that cannot be an element's name is not shown."""
    name = key if _NAME.fullmatch(key) else "?"
    return f"{path}.{name}" if path else name


def _refuse(text: str, path: str | None = None) -> NoReturn:
    raise HallpassError(Kind.MALFORMED, Issue(text, path or None))
