"""The narrative's XHTML. https://hl7.org/fhir/R4/narrative.html"""

from __future__ import annotations

import pytest

from app.fhir.validation.narrative import fault


def div(content: str, attributes: str = "") -> str:
    return f'<div xmlns="http://www.w3.org/1999/xhtml"{attributes}>{content}</div>'


@pytest.mark.parametrize(
    "value",
    [
        div("<p>Seen by <b>the nurse</b> &amp; sent home &#160;</p>"),
        div('<a href="https://example.org/x">x</a><a href="#top">top</a><a href="Patient/1">p</a><a name="top"/>'),
        div('<img src="data:image/png;base64,iVBORw0KGgo=" alt="x"/>'),
        div('<p style="color: red" class="x" title="y" xml:lang="en">x</p>'),
        div('<p style="background-image: url(tbl_bck01.png)">x</p>'),
        div("x", ' lang="en" dir="ltr"'),
        "\n" + div("x"),
        div("<!-- note -->x"),
    ],
)
def test_basic_formatting_is_a_narrative(value: str) -> None:
    assert fault(value) is None


@pytest.mark.parametrize(
    "content",
    [
        "<script>alert(1)</script>",
        "<p><iframe src='https://example.org'/></p>",
        "<form action='https://example.org'/>",
        "<object data='x'/>",
        "<svg xmlns='http://www.w3.org/2000/svg'/>",
        "<style>p {}</style>",
        "<p onclick='alert(1)'>x</p>",
        "<p formaction='x'>x</p>",
    ],
)
def test_active_elements_and_attributes_are_refused(content: str) -> None:
    assert "txt-1" in (fault(div("x" + content)) or "")


@pytest.mark.parametrize(
    "link",
    [
        "href='javascript:alert(1)'",
        "href='JavaScript:alert(1)'",
        "href=' java&#9;script:alert(1)'",
        "href='vbscript:x'",
        "href='data:text/html,x'",
        "href='data:image/png;base64,x'",
        "src='data:image/svg+xml;base64,x'",
        "src='data:text/html,x'",
        "cite='javascript:x'",
    ],
)
def test_links_that_run_something_are_refused(link: str) -> None:
    assert "link" in (fault(div(f"<a {link}>x</a>")) or "")


@pytest.mark.parametrize(
    "style", ["width: expression(alert(1))", "background: URL(https://example.org)", "a: url(//x.y)", r"w\69dth: 1"]
)
def test_styles_that_load_or_run_something_are_refused(style: str) -> None:
    assert "style" in (fault(div(f"<p style='{style}'>x</p>")) or "")


@pytest.mark.parametrize(
    "value",
    [
        div("<p>x"),
        div("&nbsp;"),
        div("x") + "<p/>",
        div("<p a='1' a='2'>x</p>"),
        "<div",
        "<div xmlns:x='y'><y:z/></div>",
    ],
)
def test_what_is_not_well_formed_is_refused(value: str) -> None:
    assert "well-formed" in (fault(value) or "")


@pytest.mark.parametrize("value", ["", "text", "<p>x</p>", "<!DOCTYPE div [<!ENTITY a 'b'>]><div>&a;</div>", "x<div/>"])
def test_what_does_not_start_with_a_div_is_refused(value: str) -> None:
    assert fault(value) == "must be an XHTML <div>"


@pytest.mark.parametrize(
    "value",
    ["<div>x</div>", '<div xmlns="http://example.org">x</div>', '<divx xmlns="http://www.w3.org/1999/xhtml">x</divx>'],
)
def test_a_div_of_another_namespace_is_refused(value: str) -> None:
    assert "namespace" in (fault(value) or "")


@pytest.mark.parametrize("content", ["", " \n ", "<p> </p>", "<img alt='x'/>"])
def test_a_narrative_without_content_is_refused(content: str) -> None:
    assert "txt-2" in (fault(div(content)) or "")


def test_an_image_is_content() -> None:
    assert fault(div("<p><img src='a.png'/></p>")) is None


def test_a_hundred_thousand_levels_are_no_danger() -> None:
    assert fault(div("<b>" * 100_000 + "x" + "</b>" * 100_000)) is None


def test_a_narrative_is_a_string() -> None:
    assert fault(1) == "must be a string"
