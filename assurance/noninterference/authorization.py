"""The authorization endpoints as the caller asks them."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from app.auth import jose
from assurance.noninterference.determinism import EPOCH
from assurance.noninterference.routes import Route
from assurance.noninterference.wire import BASE, Request

if TYPE_CHECKING:
    from assurance.noninterference.asks import Asks

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def token_form(asks: Asks, route: Route) -> Request:
    """A request to an authorization endpoint, with a token of the caller's, of another's or of nobody."""
    rng, scene = asks.rng, asks.scene
    client = rng.choice(["caller", "narrow"])
    form = {"client_assertion_type": ASSERTION, "client_assertion": assertion(rng, client, asks.keys[client])}
    if route.path.endswith("/token"):
        form |= {"grant_type": "client_credentials", "scope": rng.choice(["system/*.rs", "system/Patient.r", "openid"])}
    else:
        form["token"] = rng.choice([asks.tokens["holder"], asks.tokens["caller"], "nonsense"])
        if scene.tokens and rng.random() < 0.7:
            form["token"] = f"{{{{token::{rng.randrange(scene.tokens)}}}}}"
        if route.path.endswith("/revoke") and form["token"] == asks.tokens["caller"]:
            form["token"] = "nonsense"  # the caller would be mute from then on
    headers = (("Content-Type", "application/x-www-form-urlencoded"),)
    return Request("POST", route.path, None, headers, urlencode(form, safe="{}:"))


def assertion(rng: Random, client: str, key: dict[str, Any]) -> str:
    """A client assertion at the prover's time, which stands still for tokens."""
    now = int(EPOCH.timestamp())
    claims = {"iss": client, "sub": client, "aud": f"{BASE}/auth/token", "exp": now + 240}
    return jose.sign({**claims, "jti": f"{rng.getrandbits(64):016x}"}, key)
