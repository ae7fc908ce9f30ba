"""What it costs to sign a release, and to end or narrow what one opened, against a plain update.

Ended is ended (docs/rule.md): so each signature is a new Consent, and each end is of one that was just signed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import date, timedelta
from functools import partial
from itertools import count
from statistics import median
from typing import Any

from bench.asker import Asker
from bench.cpu import Meter
from bench.figures import Figure
from bench.serving import Server
from bench.stage import Stage
from bench.swell import swell

RESOURCES = 5_000
TIMES = 20
_FORMS = count(1)


def renew(asker: Asker, release: dict[str, Any]) -> tuple[float, dict[str, Any]]:
    """Milliseconds to file a Consent again, signed on a form of its own, and the new one."""
    attachment = {**release["sourceAttachment"], "title": f"Release of information, copy {next(_FORMS)}"}
    content = {k: v for k, v in release.items() if k not in ("id", "meta")}
    return asker.ask("POST", "/fhir/Consent", {**content, "sourceAttachment": attachment})


class Releases:
    """The releases of the sample student, one after the other, by its district."""

    def __init__(self, stage: Stage, asker: Asker) -> None:
        self._asker = asker
        self._sample = asker.ask("GET", f"/fhir/Consent/{stage.network.sample['Consent']}")[1]

    def sign(self, instead: Mapping[str, str] | None = None) -> tuple[float, dict[str, Any]]:
        """Milliseconds to file a new one, and the Consent; with other ids in the place of some."""
        text = json.dumps(self._sample)
        for old, new in (instead or {}).items():
            text = text.replace(old, new)
        return renew(self._asker, json.loads(text))

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


def signing(stage: Stage, server: Server) -> list[Figure]:
    """Processor time of the API and the database, at the median: of a signature, and more than an update of an
    Encounter of each act that ends."""
    swell(stage, "Encounter", range(1, RESOURCES + 1))
    token = stage.network.district.headers["Authorization"]
    found: dict[str, list[float]] = {name: [] for name in _SAID}
    with closing(Asker(server.url, token)) as asker:
        releases = Releases(stage, asker)
        plain, birth = (_toggled(stage, asker, *t) for t in _TOGGLED)
        mother = stage.network.sample["RelatedPerson"]
        guardian = asker.ask("GET", f"/fhir/RelatedPerson/{mother}")[1]
        guardian = {k: v for k, v in guardian.items() if k not in ("id", "meta")}

        def timed(name: str, act: Callable[[], Any]) -> Any:
            meter = Meter(server, stage)
            answer = act()
            found[name].append(1000 * sum(meter.read()))
            return answer

        for _ in range(TIMES):
            release = timed("sign", releases.sign)[1]
            release = timed("narrow", partial(releases.narrowed, release))[1]
            timed("end", partial(releases.end, release))
            timed("plain", plain)
            one = asker.ask("POST", "/fhir/RelatedPerson", guardian)[1]
            releases.sign({mother: one["id"]})
            ended = {**one, "period": {"end": "2026-01-01"}}
            timed("authority", partial(asker.ask, "PUT", f"/fhir/RelatedPerson/{one['id']}", ended))
            timed("birth", birth)
    base = median(found["plain"])
    figures = [_figure("sign", 80, found["sign"], 0)]
    return figures + [_figure(name, 10, found[name], base) for name in ("end", "narrow", "authority", "birth")]


_SAID = {
    "plain": "a plain update",
    "sign": f"signing a release over {RESOURCES:,} resources: ms of processor",
    "end": f"ending a release over {RESOURCES:,} resources: ms of processor more than a plain update",
    "narrow": f"narrowing a release over {RESOURCES:,} resources: the same",
    "authority": f"ending a guardian's authority over {RESOURCES:,} resources: the same",
    "birth": f"correcting a birth date over {RESOURCES:,} resources: the same",
}
_TOGGLED: tuple[tuple[str, dict[str, Any], dict[str, Any]], ...] = (
    ("Encounter", {"language": "en-US"}, {"language": "en-GB"}),
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
