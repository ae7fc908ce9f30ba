"""XML says what JSON says: every example goes through it and comes back equal, and what is hostile is refused.

https://hl7.org/fhir/R4/xml.html
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from app.errors import HallpassError, Kind
from app.fhir.json import MAX_DEPTH, parse
from app.fhir.validation.narrative import fault
from app.fhir.xml.read import json_of
from app.fhir.xml.write import dump_xml

DATA = Path(__file__).parents[2] / ".." / "shared" / "data"
MOST = 1_000_000
LINES = 60
"""Of a file with a resource in each line."""


def resources() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every example, by its file."""
    for path in sorted(DATA.rglob("*.json")):
        if b'"resourceType"' in path.read_bytes():
            yield str(path.relative_to(DATA)), parse(path.read_bytes())
    for path in sorted(DATA.rglob("*.ndjson")):
        with path.open("rb") as lines:
            for number, line in zip(range(LINES), lines, strict=False):
                yield f"{path.relative_to(DATA)}:{number}", parse(line)


@pytest.mark.skipif(not DATA.is_dir(), reason="the examples are not part of the repository")
def test_every_example_comes_back_from_xml_as_it_was_to_the_last_digit() -> None:
    seen = 0
    for name, resource in resources():
        if resource.get("resourceType"):
            back = parse(json_of(dump_xml(resource), MOST))
            assert orjson.dumps(back, default=str, option=orjson.OPT_SORT_KEYS) == orjson.dumps(
                resource, default=str, option=orjson.OPT_SORT_KEYS
            ), name
            seen += 1
    assert seen > 600


PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "p",
    "extension": [{"id": "e", "url": "urn:a", "valueDecimal": 1}],
    "_birthDate": {"id": "b", "extension": [{"url": "urn:c", "valueString": 'a "quoted" & <b>\n\tline'}]},
    "active": False,
    "name": [
        {"given": ["Ana", None, "Lu"], "_given": [None, {"extension": [{"url": "urn:d", "valueCode": "x"}]}, None]}
    ],
    "text": {
        "status": "generated",
        "div": '<div xmlns="http://www.w3.org/1999/xhtml"><p>a &amp; b&#160;<br/>ñ</p></div>',
    },
}


def test_what_stands_beside_primitives_and_in_narratives_is_kept() -> None:
    assert parse(json_of(dump_xml(PATIENT), MOST)) == PATIENT


@pytest.mark.parametrize("digits", ["1.00", "0.10", "1.0E+2", "-0.5", "123456789012345678.123456789"])
def test_a_decimal_keeps_its_digits(digits: str) -> None:
    body = parse(b'{"resourceType":"Observation","valueQuantity":{"value":%s}}' % digits.encode())
    assert f'<value value="{digits}"/>'.encode() in dump_xml(body)
    assert str(parse(json_of(dump_xml(body), MOST))["valueQuantity"]["value"]) == digits


BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><Patient xmlns="http://hl7.org/fhir"/>'
USED = b'<!DOCTYPE x [<!ENTITY a "aa">]><Patient xmlns="http://hl7.org/fhir"><id value="&a;"/></Patient>'
OUTSIDE = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><Patient xmlns="http://hl7.org/fhir"/>'
DEEP = b'<Patient xmlns="http://hl7.org/fhir">' + b"<contact>" * 500 + b"</contact>" * 500 + b"</Patient>"
WIDE = b'<div xmlns="http://www.w3.org/1999/xhtml">' + b"<b>" * 400 + b"x" + b"</b>" * 400 + b"</div>"


def patient(inside: str | bytes) -> bytes:
    """A Patient with something in it."""
    text = inside.encode() if isinstance(inside, str) else inside
    return b'<Patient xmlns="http://hl7.org/fhir">' + text + b"</Patient>"


REFUSED = [
    BOMB,
    USED,
    OUTSIDE,
    b'<!DOCTYPE Patient SYSTEM "http://example.org/p.dtd"><Patient xmlns="http://hl7.org/fhir"/>',
    DEEP,
    patient(b"<text>" + WIDE + b"</text>"),
    b"<Patient/>",
    b'<Patient xmlns="urn:other"/>',
    b'<Patient xmlns="http://hl7.org/fhir">',
    patient("loose text"),
    patient('<active value="true"/><active value="false"/>'),
    patient('<active value="true" other="x"/>'),
    patient('<id url="x" value="y"/>'),
    patient('<name url="x"/>'),
    patient('<name value="x"/>'),
    patient("<contained><Patient/><Patient/></contained>"),
    patient('<text><h:div xmlns:h="http://www.w3.org/1999/xhtml">x</h:div></text>'),
    patient('<id value="&nbsp;"/>'),
    patient('<id value="&#1;"/>'),
    patient('<id value="\xe9"/>'.encode("latin-1")),
    b'<?xml version="1.0" encoding="UTF-16"?><Patient xmlns="http://hl7.org/fhir"><id value="\xe9"/></Patient>',
    '<Patient xmlns="http://hl7.org/fhir"/>'.encode("utf-16-be"),
    b'<Patient xmlns="http://hl7.org/fhir" xmlns:a="' + b"u" * 201 + b'"/>',
    b"",
    b"{}",
]


@pytest.mark.parametrize("body", REFUSED, ids=range(len(REFUSED)))
def test_what_is_no_xml_of_fhir_is_refused_with_a_place_and_no_value(body: bytes) -> None:
    with pytest.raises(HallpassError) as e:
        json_of(body, MOST)
    assert e.value.kind is Kind.MALFORMED
    assert "passwd" not in str(e.value)


def test_a_body_of_more_elements_than_a_body_may_have_is_refused_before_it_is_built() -> None:
    with pytest.raises(HallpassError) as e:
        json_of(patient('<identifier><value value="x"/></identifier>' * 200), 300)
    assert e.value.kind is Kind.TOO_LARGE


def test_namespaces_count_like_attributes() -> None:
    with pytest.raises(HallpassError) as e:
        json_of(b"<Patient " + b" ".join(b'xmlns:a%d="u"' % i for i in range(400)) + b"/>", 300)
    assert e.value.kind is Kind.TOO_LARGE


def test_a_long_namespace_is_refused_before_the_parser_writes_it_out_at_each_element() -> None:
    """A narrative of 3 MB took five minutes: in JSON it is the same narrative."""
    names = b'<div xmlns="http://www.w3.org/1999/xhtml" xmlns:a="' + b"u" * 200_000 + b'">'
    for inside in (b"<a:b/>", b'<b a:b="1"/>'):
        div = names + inside * 9_000 + b"x</div>"
        began = time.process_time()
        with pytest.raises(HallpassError):
            json_of(patient(b"<text>" + div + b"</text>"), MOST)
        assert fault(div.decode()) is not None
        assert time.process_time() - began < 0.5


def test_a_narratives_own_attributes_are_kept() -> None:
    div = '<div xmlns="http://www.w3.org/1999/xhtml" xml:lang="es" lang="es" class="c" id="n">Luz</div>'
    found = parse(json_of(patient(f'<text><status value="generated"/>{div}</text>'), MOST))
    assert found["text"] == {"status": "generated", "div": div}


def test_depth_is_bound_as_in_json() -> None:
    fits = b'<Patient xmlns="http://hl7.org/fhir">' + b'<extension url="a">' * (MAX_DEPTH - 1)
    json_of(fits + b"</extension>" * (MAX_DEPTH - 1) + b"</Patient>", MOST)
    with pytest.raises(HallpassError):
        json_of(fits + b'<extension url="a">' + b"</extension>" * MAX_DEPTH + b"</Patient>", MOST)


def test_names_that_a_type_does_not_have_are_left_for_the_validator() -> None:
    found = parse(json_of(patient('<nickname value="x"/><active value="yes"/><_id value="x"/>'), MOST))
    assert (found["nickname"], found["active"], found["_id"]) == ("x", "yes", "x")


def test_comments_and_instructions_say_nothing() -> None:
    body = b'<?xml version="1.0"?><?xml-stylesheet href="x"?><!-- a -->' + patient("<!-- b --><id value='p'/>")
    assert parse(json_of(body, MOST)) == {"resourceType": "Patient", "id": "p"}


def test_elements_come_in_the_order_of_their_definition() -> None:
    body = {"resourceType": "Patient", "gender": "female", "birthDate": "2014-05-02", "id": "p", "active": True}
    text = dump_xml(body).decode()
    assert text.index("<id ") < text.index("<active ") < text.index("<gender ") < text.index("<birthDate ")
    with pytest.raises(KeyError):
        dump_xml({"resourceType": "Patient", "nickname": "x"})
