"""What it costs to sign a release, and to end or narrow what one opened, against a plain update.

Ended is ended (docs/rule.md): so each signature is a new Consent, and each end is of one that was just signed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date, timedelta
from itertools import count
from statistics import median
from typing import Any

from bench.asker import Asker
from bench.figures import Figure
from bench.stage import Stage
from bench.swell import swell

RESOURCES = 5_000
TIMES = 20
_FORMS = count(1)


class Releases:
    """The releases of the sample student, one after the other, by its district."""

    def __init__(self, stage: Stage, asker: Asker) -> None:
        self._asker = asker
        sample = asker.ask("GET", f"/fhir/Consent/{stage.network.sample['Consent']}")[1]
        self._sample = {k: v for k, v in sample.items() if k not in ("id", "meta")}

    def sign(self) -> tuple[float, dict[str, Any]]:
        """Milliseconds to file a new one, and the Consent."""
        attachment = {**self._sample["sourceAttachment"], "title": f"Release of information, copy {next(_FORMS)}"}
        return self._asker.ask("POST", "/fhir/Consent", {**self._sample, "sourceAttachment": attachment})

    def end(self, release: dict[str, Any]) -> float:
        """Milliseconds to end one."""
        return self._put({**release, "status": "inactive"})[0]

    def narrowed(self, release: dict[str, Any]) -> tuple[float, dict[str, Any]]:
        """Milliseconds to let one end a day earlier, and the Consent."""
        provision = release["provision"]
        last = date.fromisoformat(provision["period"]["end"]) - timedelta(days=1)
        return self._put({**release, "provision": {**provision, "period": {**provision["period"], "end": f"{last}"}}})

    def _put(self, release: dict[str, Any]) -> tuple[float, dict[str, Any]]:
        return self._asker.ask("PUT", f"/fhir/Consent/{release['id']}", release)


def signing(stage: Stage, own: str) -> list[Figure]:
    """Milliseconds at the median: of a signature, and more than an update of an Encounter of each act that ends."""
    swell(stage, "Encounter", range(1, RESOURCES + 1))
    token = stage.network.district.headers["Authorization"]
    with closing(Asker(own, token)) as asker:
        releases = Releases(stage, asker)
        found: dict[str, list[float]] = {name: [] for name in _SAID}
        plain, authority, birth = (_toggled(stage, asker, *t) for t in _TOGGLED)
        for _ in range(TIMES):
            took, release = releases.sign()
            found["sign"].append(took)
            took, release = releases.narrowed(release)
            found["narrow"].append(took)
            found["end"].append(releases.end(release))
            found["plain"].append(plain())
            found["authority"].append(authority())
            found["birth"].append(birth())
    base = median(found["plain"])
    figures = [_figure("sign", 80, found["sign"], 0)]
    return figures + [_figure(name, 10, found[name], base) for name in ("end", "narrow", "authority", "birth")]


_SAID = {
    "plain": "a plain update",
    "sign": f"signing a release over {RESOURCES:,} resources: ms",
    "end": f"ending a release over {RESOURCES:,} resources: ms more than a plain update",
    "narrow": f"narrowing a release over {RESOURCES:,} resources: ms more than a plain update",
    "authority": "ending a guardian's authority, or giving it back: ms more than a plain update",
    "birth": "correcting a birth date: ms more than a plain update",
}
_TOGGLED: tuple[tuple[str, dict[str, Any], dict[str, Any]], ...] = (
    ("Encounter", {"language": "en-US"}, {"language": "en-GB"}),
    ("RelatedPerson", {"period": {"end": "2026-01-01"}}, {"period": {"start": "2014-05-02"}}),
    ("Patient", {"birthDate": "2014-05-03"}, {"birthDate": "2014-05-02"}),
)


def _toggled(stage: Stage, asker: Asker, type_name: str, *ways: dict[str, Any]) -> Callable[[], float]:
    """Updates of the sample's resource, one way and the other."""
    path = f"/fhir/{type_name}/{stage.network.sample[type_name]}"
    content = asker.ask("GET", path)[1]
    turns: Iterator[int] = count()
    return lambda: asker.ask("PUT", path, {**content, **ways[next(turns) % len(ways)]})[0]


def _figure(name: str, wanted: float, found: list[float], base: float) -> Figure:
    return Figure(name, _SAID[name], wanted, median(found) - base, max(found) - min(found), True)
