"""Passkeys: registered by who is signed in, and a way to sign in from then on. https://www.w3.org/TR/webauthn-3/

A challenge is ours by its seal, bound to the browser by a cookie's secret, good for five minutes, and answered once.
The library is loaded where it is first needed.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from ipaddress import ip_address
from typing import TypeVar
from urllib.parse import urlsplit

from sqlalchemy import text

from app.db.engine import Database
from app.keyring import Keyring
from app.ledger import security_log
from app.office.sessions import Session, begin
from app.office.staff import Staff

SECONDS = 300
MOST = 10
"""Passkeys of one person."""
_TAKE = text("SELECT hallpass.take_challenge(:challenge, :expires)")
_KEEP = text("SELECT hallpass.keep_staff_passkey(:session, :id, :key, :counter, :most)")
_KEY = text("SELECT * FROM hallpass.staff_passkey_key(:id)")
_USE = text("SELECT hallpass.use_staff_passkey(:id, :counter)")
_COUNT = text("SELECT hallpass.staff_passkeys(:session, :remove)")
_NONCE, _TIME = 16, 8
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Site:
    """For whom passkeys are made: the host of the exchange's address, and the origin of its pages."""

    host: str
    origin: str


def site(base_url: str) -> Site | None:
    """None where browsers make no passkeys: at a bare number, or without TLS elsewhere than on one's own machine."""
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    try:
        ip_address(host)
        return None
    except ValueError:
        own = host == "localhost" or host.endswith(".localhost")
        return Site(host, f"{parts.scheme}://{parts.netloc}") if parts.scheme == "https" or own else None


def challenge(keyring: Keyring, bound: str) -> bytes:
    """A new challenge for the browser that has a secret."""
    until = int(datetime.now(UTC).timestamp()) + SECONDS
    head = secrets.token_bytes(_NONCE) + until.to_bytes(_TIME)
    return head + _sealed(keyring, bound, head)


def _sealed(keyring: Keyring, bound: str, head: bytes) -> bytes:
    return hmac.digest(keyring.derive("office passkeys"), head + bound.encode(), sha256)


def _until(keyring: Keyring, bound: str, given: bytes) -> datetime | None:
    """Until when a challenge holds; None for one that is not this browser's."""
    head, seal = given[: _NONCE + _TIME], given[_NONCE + _TIME :]
    if not bound or not hmac.compare_digest(seal, _sealed(keyring, bound, head)):
        return None
    return datetime.fromtimestamp(int.from_bytes(head[_NONCE:]), UTC)


def to_register(place: Site, staff: Staff, given: bytes) -> str:
    """What the browser's script makes a passkey by."""
    import webauthn
    from webauthn.helpers.structs import (
        AuthenticatorSelectionCriteria,
        ResidentKeyRequirement,
        UserVerificationRequirement,
    )

    options = webauthn.generate_registration_options(
        rp_id=place.host,
        rp_name="Hallpass",
        user_name=staff.address,
        user_display_name=staff.name,
        user_id=sha256(staff.client.encode()).digest(),
        challenge=given,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
    )
    return webauthn.options_to_json(options)


def to_sign_in(place: Site, given: bytes) -> str:
    """What the browser's script asks for a passkey by."""
    import webauthn
    from webauthn.helpers.structs import UserVerificationRequirement

    required = UserVerificationRequirement.REQUIRED
    options = webauthn.generate_authentication_options(rp_id=place.host, challenge=given, user_verification=required)
    return webauthn.options_to_json(options)


def _or_none(verified: Callable[[], T]) -> T | None:
    """What an answer proves; None where it proves nothing."""
    try:
        return verified()
    except Exception:
        return None


async def register(
    db: Database, keyring: Keyring, place: Site, session: Session, client: str, answer: str, given: bytes
) -> bool:
    """Keep a new passkey of who is signed in, if it answers our challenge and they have less than MOST."""
    import webauthn

    until = _until(keyring, session.secret, given)
    made = _or_none(
        lambda: webauthn.verify_registration_response(
            credential=answer,
            expected_challenge=given,
            expected_rp_id=place.host,
            expected_origin=place.origin,
            require_user_verification=True,
        )
    )
    if until is None or made is None:
        return False
    values = {"id": made.credential_id, "key": made.credential_public_key, "counter": made.sign_count, "most": MOST}
    async with db.begin() as connection:
        if not await connection.scalar(_TAKE, {"challenge": given, "expires": until}):
            return False
        kept = bool(await connection.scalar(_KEEP, {"session": session.digest, **values}))
        if kept:
            await security_log.record(connection, "login", client, "0", "office: a passkey was made")
    return kept


async def sign_in(db: Database, keyring: Keyring, place: Site, bound: str, answer: str, given: bytes) -> Session | None:
    """A session for whose passkey answers our challenge; None where it is nobody's."""
    import webauthn
    from webauthn.helpers import parse_authentication_credential_json

    until = _until(keyring, bound, given)
    passkey = _or_none(lambda: webauthn.base64url_to_bytes(parse_authentication_credential_json(answer).id))
    if until is None or passkey is None:
        return None
    async with db.begin() as connection:
        if not await connection.scalar(_TAKE, {"challenge": given, "expires": until}):
            return None
        row = (await connection.execute(_KEY, {"id": passkey})).one_or_none()
    if row is None:
        return None
    proved = _or_none(
        lambda: webauthn.verify_authentication_response(
            credential=answer,
            expected_challenge=given,
            expected_rp_id=place.host,
            expected_origin=place.origin,
            credential_public_key=row.public_key,
            credential_current_sign_count=row.counter,
            require_user_verification=True,
        )
    )
    if proved is None:
        return None
    async with db.begin() as connection:
        client = await connection.scalar(_USE, {"id": passkey, "counter": proved.new_sign_count})
    return await begin(db, client, "office: passkey") if client else None


async def count(db: Database, session: Session, *, remove: bool = False) -> int:
    """How many passkeys who is signed in has, after they were removed if asked."""
    async with db.begin() as connection:
        return int(await connection.scalar(_COUNT, {"session": session.digest, "remove": remove}))
