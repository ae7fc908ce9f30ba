"""Tells the story: what is done, what came back, and what has to be so. The first thing that is not ends it."""

from __future__ import annotations

from collections.abc import Iterable

import httpx
from rich.console import Console

from app.demo.api import FHIR_JSON, Api, Json

AGES = frozenset({"date", "x-request-id"})
"""Response headers that differ between two answers that are the same."""


class Difference(Exception):
    """Something is not as the story says."""


class Telling:
    """Prints to a console."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def step(self, title: str) -> None:
        """Begin a step."""
        self._print(f"\n{title}", "bold")

    def say(self, text: str) -> None:
        """What happens, for people."""
        self._print(f"  {text}")

    def detail(self, lines: Iterable[str]) -> None:
        """What came back, line by line."""
        for line in lines:
            self._print(f"      {line}", "dim")

    def heard(self, api: Api, method: str, path: str, response: httpx.Response) -> None:
        """A request and the gist of its answer."""
        link = "(the next page's link)" if path.startswith("http") else path
        self.detail([f"{api.member.name}: {method} {link}  ->  {response.status_code} {gist(response)}"])

    def hold(self, text: str, fact: bool, found: object = "") -> None:
        """State a fact. Raises Difference, with what was found instead, where it does not hold."""
        if not fact:
            raise Difference(f"{text} -- but it is not so{f': {found}' if found != '' else ''}")
        self._print(f"  + {text}", "green")

    def failed(self, text: str) -> None:
        """The end of a story that did not go as it should."""
        self._print(f"\n  - {text}", "bold red")

    def _print(self, text: str, style: str = "") -> None:
        self._console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)


def gist(response: httpx.Response) -> str:
    """An answer in a few words."""
    if not response.headers.get("content-type", "").startswith(FHIR_JSON):
        return ""
    body: Json = response.json()
    if body["resourceType"] == "Bundle":
        found = [e["resource"]["resourceType"] for e in body.get("entry", [])]
        return f"{body['total']} found{': ' + ', '.join(found) if found else ''}"
    if body["resourceType"] == "OperationOutcome":
        return str(body["issue"][0]["details"]["text"])
    return f"{body['resourceType']} version {body['meta']['versionId']}"


def alike(one: httpx.Response, other: httpx.Response) -> bool:
    """Whether two answers are the same: status, body byte for byte, and headers but for the clock."""

    def own(response: httpx.Response) -> tuple[int, bytes, list[tuple[str, str]]]:
        headers = [(k, v) for k, v in response.headers.items() if k not in AGES]
        return response.status_code, response.content, headers

    return own(one) == own(other)
