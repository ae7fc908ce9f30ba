"""Pushing batches over real HTTP. https://hl7.org/fhir/R4/http.html#cond-update"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import orjson
import pytest
import pytest_asyncio

from app.errors import HallpassError, Kind
from app.intake import push as pushing
from app.intake.answers import Entry, Outcome, Status
from app.intake.push import MAX_BYTES, Exchange, chunks, conditional_url, create, update
from app.intake.token import Tokens
from tests.intake.stand_in import StandIn, outcome


def patient(number: int, **more: Any) -> Entry:
    identifier = [{"system": "urn:s", "value": str(number)}]
    return create("Student", str(number), {"resourceType": "Patient", "identifier": identifier, **more})


def key(number: int) -> str:
    return f"Patient?identifier=urn:s|{number}"


@pytest_asyncio.fixture
async def exchange(stand_in: StandIn) -> AsyncIterator[Exchange]:
    """The client of the stand-in, with short waits."""
    async with httpx.AsyncClient() as http:
        tokens = Tokens(http, f"{stand_in.base_url}/auth/token", "district", stand_in.key)
        yield Exchange(http, stand_in.base_url, tokens, backoff=0.001)


async def pushed(exchange: Exchange, *entries: Entry) -> list[Outcome]:
    return sorted(await exchange.batch(entries), key=lambda o: int(o.key))


async def test_a_create_finds_what_it_made(stand_in: StandIn, exchange: Exchange) -> None:
    """The same record again is not made again, and its id and version come back."""
    assert [o.status for o in await pushed(exchange, patient(1), patient(2))] == [Status.CREATED] * 2
    found = await pushed(exchange, patient(1), patient(2, active=True))
    assert [(o.status, o.id, o.version) for o in found] == [
        (Status.UNCHANGED, "patient-0", 1),
        (Status.UNCHANGED, "patient-1", 1),
    ]
    assert "active" not in stand_in.store[key(2)]


async def test_entries_are_conditional_creates_in_a_batch(stand_in: StandIn, exchange: Exchange) -> None:
    """A batch Bundle, each entry a POST unless there is one of the first identifier."""
    await pushed(exchange, patient(1))
    assert orjson.loads(stand_in.bodies[0]) == {
        "resourceType": "Bundle",
        "type": "batch",
        "entry": [
            {
                "resource": {"resourceType": "Patient", "identifier": [{"system": "urn:s", "value": "1"}]},
                "request": {"method": "POST", "url": "Patient", "ifNoneExist": "identifier=urn%3As%7C1"},
            }
        ],
    }


def test_an_update_names_the_version_that_it_replaces() -> None:
    entry = update("Student", "1", {"resourceType": "Patient", "id": "p"}, 3)
    assert (entry.method, entry.url, entry.if_match) == ("PUT", "Patient/p", 'W/"3"')


def test_an_identifier_cannot_break_out_of_its_query() -> None:
    """What means something in a URL or a token parameter is escaped, so a value matches only itself."""
    resource = {"resourceType": "Patient", "identifier": [{"system": "urn:s", "value": "1|2,3&_count=0#$\\"}]}
    assert httpx.URL(conditional_url(resource)).params.multi_items() == [
        ("identifier", "urn:s|1\\|2\\,3&_count=0#\\$\\\\")
    ]


def test_a_bundle_is_bounded_in_bytes() -> None:
    """Large records go in smaller Bundles, and one that is too large alone goes alone."""
    half = patient(1, text="x" * (MAX_BYTES // 2))
    huge = patient(2, text="x" * (MAX_BYTES * 2))
    assert [len(c) for c in chunks([half, half, half, huge, half])] == [1, 1, 1, 1, 1]
    assert [len(c) for c in chunks([patient(n) for n in range(101)])] == [50, 50, 1]
    assert list(chunks([])) == []


async def test_a_refusal_is_of_its_record_alone(stand_in: StandIn, exchange: Exchange) -> None:
    """One refused entry names its reason, and the others of the Bundle are stored."""
    stand_in.refusals[key(2)] = outcome("The birth date is in the future.", "Patient.birthDate")
    found = await pushed(exchange, patient(1), patient(2), patient(3))
    assert [o.status for o in found] == [Status.CREATED, Status.REFUSED, Status.CREATED]
    assert found[1].reason == "The birth date is in the future. (Patient.birthDate)"


@pytest.mark.parametrize("how", [(429, {}, b""), (503, {}, b""), (502, {}, b"<html/>"), (504, {}, b""), None])
async def test_a_busy_exchange_is_asked_again(stand_in: StandIn, exchange: Exchange, how: Any) -> None:
    """429, 502, 503, 504 and a lost connection are tried again, and nothing is stored twice."""
    stand_in.trouble.extend([how, how])
    assert [o.status for o in await pushed(exchange, patient(1), patient(2))] == [Status.CREATED] * 2
    assert len(stand_in.bundles) == 1


async def test_a_busy_entry_is_sent_again_alone(stand_in: StandIn, exchange: Exchange) -> None:
    """An entry answered 503 goes again without the ones that were stored."""
    stand_in.busy[key(2)] = 2
    assert [o.status for o in await pushed(exchange, patient(1), patient(2))] == [Status.CREATED] * 2
    assert stand_in.bundles == [[key(1), key(2)], [key(2)], [key(2)]]


async def test_an_entry_that_stays_busy_is_refused(stand_in: StandIn, exchange: Exchange) -> None:
    """Where the others were stored, the one that never was is a refusal, not an end of everything."""
    stand_in.busy[key(2)] = 1000
    assert [o.status for o in await pushed(exchange, patient(1), patient(2))] == [Status.CREATED, Status.REFUSED]


async def test_retry_after_is_kept(stand_in: StandIn, exchange: Exchange) -> None:
    """The wait is at least as long as the exchange asks for."""
    stand_in.trouble.append((429, {"Retry-After": "1"}, b""))
    began = asyncio.get_running_loop().time()
    await pushed(exchange, patient(1))
    assert asyncio.get_running_loop().time() - began >= 1


async def test_an_exchange_that_stays_away_ends_the_push(stand_in: StandIn, exchange: Exchange) -> None:
    """After the last attempt the push ends with UNAVAILABLE."""
    stand_in.trouble.extend([None] * 100)
    with pytest.raises(HallpassError) as unreachable:
        await pushed(exchange, patient(1))
    assert unreachable.value.kind is Kind.UNAVAILABLE
    assert 100 - len(stand_in.trouble) == pushing.ATTEMPTS


async def test_a_batch_that_is_refused_whole_refuses_its_records(stand_in: StandIn, exchange: Exchange) -> None:
    """A 413 with an OperationOutcome is the reason of each record in the Bundle."""
    stand_in.trouble.append((413, {}, orjson.dumps(outcome("The body is too large.", "Bundle"))))
    found = await pushed(exchange, patient(1), patient(2))
    assert {(o.status, o.reason) for o in found} == {(Status.REFUSED, "The body is too large. (Bundle)")}


@pytest.mark.parametrize(
    "how",
    [
        (404, {}, b"<html>not here</html>"),
        (200, {}, b"hello"),
        (200, {}, b"[]"),
        (301, {"Location": "https://elsewhere.example/fhir"}, b""),
        (200, {}, b'{"resourceType":"Bundle","type":"batch-response"}'),
        (200, {}, b'{"resourceType":"Patient","entry":[{"response":{"status":"201"}}]}'),
    ],
)
async def test_what_is_not_an_exchange_ends_the_push(stand_in: StandIn, exchange: Exchange, how: Any) -> None:
    """An answer that is not a batch-response to this batch is the wrong address, not thousands of refusals."""
    stand_in.trouble.append(how)
    with pytest.raises(HallpassError) as wrong:
        await pushed(exchange, patient(1))
    assert wrong.value.kind is Kind.INVALID


async def test_a_revoked_token_is_replaced_once(stand_in: StandIn, exchange: Exchange) -> None:
    """A 401 fetches a new token; all batches in flight share it."""
    await pushed(exchange, patient(1))
    stand_in.revoked.update(stand_in.tokens)
    await asyncio.gather(*(pushed(exchange, patient(n)) for n in range(4)))
    assert len(stand_in.tokens) == 2


async def test_a_client_that_is_no_longer_let_in_ends_the_push(stand_in: StandIn, exchange: Exchange) -> None:
    """A fresh token that is refused as well is the end, with LOGIN."""
    await pushed(exchange, patient(1))
    stand_in.revoked = _Everything()
    with pytest.raises(HallpassError) as refused:
        await pushed(exchange, patient(2))
    assert refused.value.kind is Kind.LOGIN
    assert len(stand_in.tokens) == 2


@pytest.mark.parametrize(
    ("how", "kind"),
    [
        ((412, {}, orjson.dumps(outcome("It has another version by now.", "Bundle.entry[0]"))), Kind.PRECONDITION),
        ((422, {}, orjson.dumps(outcome("The name is required.", "Bundle.entry[0]"))), Kind.UNPROCESSABLE),
        ((401, {}, orjson.dumps(outcome("No.", "Authorization"))), Kind.LOGIN),
    ],
)
async def test_a_transaction_that_is_refused_says_which_way(
    stand_in: StandIn, exchange: Exchange, how: Any, kind: Kind
) -> None:
    """A version that is no longer the current one asks to read again; anything else is the record's fault."""
    stand_in.trouble.extend([how, how])
    with pytest.raises(HallpassError) as refused:
        await exchange.transaction([patient(1)])
    assert refused.value.kind is kind


async def test_a_transaction_whose_answer_was_lost_may_have_been_done(stand_in: StandIn, exchange: Exchange) -> None:
    """A refusal after a lost answer asks to read again, since the first may have been the one that was done."""
    stand_in.trouble.extend([None, (409, {}, orjson.dumps(outcome("It is there.", "Bundle.entry[0]")))])
    with pytest.raises(HallpassError) as refused:
        await exchange.transaction([patient(1)])
    assert refused.value.kind is Kind.PRECONDITION


class _Everything(set[str]):
    def __contains__(self, _: object) -> bool:
        return True
