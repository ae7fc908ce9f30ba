"""What py-spy saw, by layer and by function."""

from __future__ import annotations

import pytest

from bench.stacks import by_layer, heaviest

HOME = "/srv/hallpass"
SITE = f"{HOME}/.venv/lib/python3.11/site-packages"
LOOP = "Runner.run (/usr/lib/python3.11/asyncio/runners.py:118)"
FRAMEWORK = f"app (<locals>) ({SITE}/fastapi/routing.py:200)"
EXCHANGE = f"read ({HOME}/app/exchange/reads.py:10)"


@pytest.mark.parametrize(
    ("stack", "layer"),
    [
        ([LOOP], "event loop, sockets"),
        ([LOOP, FRAMEWORK], "uvicorn, Starlette, FastAPI"),
        ([LOOP, FRAMEWORK, f"bearer ({HOME}/app/auth/bearer.py:5)"], "authentication"),
        ([LOOP, FRAMEWORK, EXCHANGE], "exchange and ledger"),
        ([LOOP, FRAMEWORK, EXCHANGE, f"execute ({SITE}/sqlalchemy/engine/base.py:5)"], "database, SQLAlchemy, asyncpg"),
        ([LOOP, FRAMEWORK, f"respond ({HOME}/app/api/http.py:7)"], "routes"),
        ([LOOP, f"send ({SITE}/uvicorn/protocols/http/httptools_impl.py:7)"], "uvicorn, Starlette, FastAPI"),
        ([LOOP, f"main_loop ({SITE}/uvicorn/server.py:7)"], "event loop, sockets"),
        (["_bootstrap (/usr/lib/python3.11/threading.py:7)"], "other"),
        (["<native>"], "other"),
    ],
)
def test_a_sample_belongs_to_the_innermost_of_its_layers(stack: list[str], layer: str) -> None:
    shares = by_layer(";".join(stack) + " 3\n", HOME)
    assert {name for name, share in shares.items() if share} == {layer}


def test_what_a_library_of_no_layer_does_is_on_the_account_of_who_called_it() -> None:
    called = f"{LOOP};{EXCHANGE};dumps (/usr/lib/python3.11/json/encoder.py:9);__init__ ({SITE}/pydantic/main.py:9) 1"
    assert by_layer(called, HOME)["exchange and ledger"] == 1


def test_shares_are_those_of_the_samples() -> None:
    shares = by_layer(f"{LOOP} 1\n{LOOP};{EXCHANGE} 3\n", HOME)
    assert shares["event loop, sockets"] == 0.25
    assert shares["exchange and ledger"] == 0.75
    assert sum(shares.values()) == 1


def test_no_samples_are_no_shares() -> None:
    assert set(by_layer("", HOME).values()) == {0}


def test_a_function_is_charged_for_what_it_does_itself_on_whichever_line() -> None:
    found = heaviest(f"{LOOP} 1\n{LOOP};{EXCHANGE} 2\n{LOOP};{EXCHANGE.replace(':10', ':12')} 1\n", HOME, 1)
    assert found == [("app/exchange/reads.py: read", 0.75)]
