"""The narrative's XHTML: basic formatting only, so that a client may show it without being attacked by it.

https://hl7.org/fhir/R4/narrative.html
"""

from __future__ import annotations

import re
from typing import Any
from xml.etree.ElementTree import Element, ParseError, TreeBuilder

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

_XHTML = "{http://www.w3.org/1999/xhtml}"
# Rule txt-1 of the definition of Narrative.div.
_TAGS = (
    "a abbr acronym b big blockquote br caption cite code col colgroup dd dfn div dl dt em h1 h2 h3 h4 h5 h6 hr i "
    "img li ol p pre q samp small span strong sub sup table tbody td tfoot th thead tr tt ul var"
)
_ATTRIBUTES = (
    "abbr accesskey align alt axis bgcolor border cellhalign cellpadding cellspacing cellvalign char charoff "
    "charset cite class colspan compact coords dir frame headers height href hreflang hspace id lang longdesc name "
    "nowrap rel rev rowspan rules scope shape span src start style summary tabindex title type valign value vspace "
    "width {http://www.w3.org/XML/1998/namespace}lang"
)
_ALLOWED_TAGS = frozenset(_XHTML + tag for tag in _TAGS.split())
_ALLOWED_ATTRIBUTES = frozenset(_ATTRIBUTES.split())
_LINKS = ("href", "src", "cite", "longdesc")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_SAFE_SCHEMES = frozenset({"http:", "https:", "mailto:", "tel:", "urn:"})
_ACTIVE_STYLE = re.compile(r"expression\s*\(|url\s*\(|@import|behaviou?r\s*:|\\", re.IGNORECASE)
_PICTURE_BESIDE = re.compile(r"url\(\s*['\"]?[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*['\"]?\s*\)", re.IGNORECASE)
"""A file beside the page by its bare name, as in the tables of implementation guides: like an `img` of that name."""
MAX_NAMESPACE = 200
"""Characters of a namespace's name: the parser writes it out again at each element."""
_IGNORED_BY_BROWSERS = re.compile(r"[\x00-\x20]+")


def fault(value: Any) -> str | None:
    """What is wrong with the `div` of a Narrative, or None."""
    if type(value) is not str:
        return "must be a string"
    if not value.lstrip().startswith("<div"):
        return "must be an XHTML <div>"
    try:
        div = _parsed(value)
    except (ParseError, DefusedXmlException, ValueError):
        return "must be well-formed XHTML without a DTD, named entities or long namespaces"
    if div.tag != _XHTML + "div":
        return "must be a <div> in the namespace of XHTML"
    return next((text for element in div.iter() if (text := _active(element))), None) or _empty(div)


def _parsed(text: str) -> Element:
    """The document. Raises ParseError, DefusedXmlException, and ValueError for a namespace that is too long."""
    parser = DefusedXMLParser(target=TreeBuilder(), forbid_dtd=True)
    parser.parser.StartNamespaceDeclHandler = _declared
    parser.feed(text)
    found: Element = parser.close()
    return found


def _declared(_prefix: str | None, uri: str | None) -> None:
    if len(uri or "") > MAX_NAMESPACE:
        raise ValueError("long namespace")


def _active(element: Element) -> str | None:
    """Why the element is more than basic formatting (rule txt-1), or None."""
    if element.tag not in _ALLOWED_TAGS:
        return "holds an element that narratives may not have (txt-1)"
    attributes = element.attrib
    if not attributes:
        return None
    if not attributes.keys() <= _ALLOWED_ATTRIBUTES:
        return "holds an attribute that narratives may not have (txt-1)"
    if any(name in attributes and not _safe(attributes[name], name) for name in _LINKS):
        return "holds a link of a kind that narratives may not have"
    if _ACTIVE_STYLE.search(_PICTURE_BESIDE.sub("", attributes.get("style", ""))):
        return "holds a style that is more than formatting"
    return None


def _safe(link: str, name: str) -> bool:
    """Whether following `link` only navigates. Browsers skip white space in a scheme, so it is skipped here."""
    link = _IGNORED_BY_BROWSERS.sub("", link)
    scheme = _SCHEME.match(link)
    if scheme is None or scheme.group().lower() in _SAFE_SCHEMES:
        return True
    return name == "src" and link.lower().startswith("data:image/") and "svg" not in link.lower().partition(",")[0]


def _empty(div: Element) -> str | None:
    if any(text.strip() for text in div.itertext()) or div.find(f".//{_XHTML}img[@src]") is not None:
        return None
    return "must have content that is not white space (txt-2)"
