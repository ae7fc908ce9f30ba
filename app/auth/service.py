"""What the authorization endpoints and the bearer check stand on, put together once for an app."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from app.auth.assertions import Assertions
from app.auth.jwks import JwksFetcher
from app.auth.keys import Keys
from app.auth.tokens import Tokens
from app.db.engine import Database
from app.keyring import Keyring
from app.ledger.refusals import RefusalLog
from app.limits.limits import Limits
from app.settings import Settings

TOKEN_PATH = "/auth/token"  # noqa: S105  a path, not a secret


@dataclass(frozen=True, slots=True)
class Auth:
    """The authorization server of one process; an app holds it as `app.state.auth`."""

    db: Database
    settings: Settings
    keys: Keys
    tokens: Tokens
    assertions: Assertions
    refusal_log: RefusalLog
    limits: Limits

    @classmethod
    def create(
        cls,
        db: Database,
        settings: Settings,
        *,
        clock: Callable[[], float] = time.time,
        fetcher: JwksFetcher | None = None,
        keyring: Keyring | None = None,
    ) -> Self:
        """Wire the parts; `clock` answers seconds of the epoch. Reads and writes nothing."""
        keys = Keys(db, clock, keyring or Keyring.of(settings), token_seconds=settings.token_seconds)
        fetcher = fetcher or JwksFetcher(allow_http=settings.allow_http_jwks, clock=clock)
        audience = settings.base_url + TOKEN_PATH
        return cls(
            db=db,
            settings=settings,
            keys=keys,
            tokens=Tokens(db, settings, keys, clock),
            assertions=Assertions(db, fetcher, audience=audience, clock=clock),
            refusal_log=RefusalLog(db),
            limits=Limits(settings, db.pool_size),
        )
