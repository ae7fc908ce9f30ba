"""Settings from the environment: frozen, complete, and refused when unknown or unsafe."""

from __future__ import annotations

import os
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

LogFormat = Literal["text", "json"]
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_SAFE_ENDPOINTS = frozenset({("https", False), ("https", True), ("http", True)})


class Settings(BaseSettings):
    """Each field is the environment variable `HALLPASS_<NAME>`, except `DATABASE_URL`."""

    model_config = SettingsConfigDict(env_prefix="HALLPASS_", frozen=True, extra="forbid")

    database_url: str | None = Field(
        default=None,
        validation_alias="DATABASE_URL",
        description="PostgreSQL 15 or later as a role that may create roles and tables; none: the embedded server.",
    )
    data_dir: Path = Field(default=Path(".hallpass"), description="Where the embedded database and its socket live.")
    key: SecretStr | None = Field(
        default=None, description="Seals the signing keys in the database: 32 bytes in base64 (`hallpass keys new`)."
    )
    key_file: Path | None = Field(
        default=None, description="A file with that key instead; with neither, one is made in the data directory."
    )
    witness: Path | None = Field(
        default=None,
        description="A folder apart from the database, where the worker keeps what ended and was disclosed.",
    )
    witness_days: int = Field(
        default=35, ge=1, le=3650, description="Days that the witness goes back: longer than the oldest backup kept."
    )
    host: str = Field(default="127.0.0.1", description="The address to listen on.")
    port: int = Field(default=8000, ge=0, le=65535, description="The port to listen on.")
    base_url: str = Field(
        default_factory=lambda before: f"http://127.0.0.1:{before.get('port', 8000)}",
        description="The server's own address as its clients see it: token audience and absolute links.",
    )
    workers: int = Field(default=1, ge=1, le=64, description="API processes.")
    worker: bool = Field(
        default=True,
        description="Whether `hallpass serve` runs a worker too; else run `hallpass worker`.",
    )
    drain_seconds: float = Field(
        default=3, ge=0, le=300, description="Seconds to serve on after SIGTERM, so that others can take over."
    )
    log_format: LogFormat = Field(default="text", description="Lines of the log: text, or one JSON object each.")
    metrics_port: int | None = Field(
        default=None, ge=1, le=65535, description="A port of its own for Prometheus, /metrics; none by default."
    )
    metrics_host: str = Field(default="127.0.0.1", description="The address of that port; never a public one.")
    traces_url: str | None = Field(
        default=None, description="Where spans of requests go, by OTLP over HTTP (.../v1/traces); nowhere by default."
    )
    traces_share: float = Field(default=1.0, ge=0, le=1, description="The share of requests that are traced.")
    pool_size: int = Field(default=10, ge=1, le=200, description="Database connections of one process.")
    client_connections: int = Field(
        default=4, ge=1, le=200, description="Database connections of one process that one client may hold at once."
    )
    client_running: int = Field(
        default=8, ge=1, le=1000, description="Requests of one client that one process works on at once; others wait."
    )
    client_requests: int = Field(
        default=64,
        ge=1,
        le=10_000,
        description="Requests of one client in one process, with those that wait; then 429.",
    )
    client_rate: int = Field(
        default=500, ge=1, description="Requests of one client in a second, over time; entries of a batch count."
    )
    client_daily_bytes: int = Field(
        default=5_000_000_000, ge=1_000, description="Bytes of versions that one client may store in a day; then 429."
    )
    login_rate: int = Field(default=10, ge=1, description="Tokens that one client gets in a second, over time.")
    address_rate: int = Field(
        default=100, ge=1, description="Requests without a valid token from one address in a second, over time."
    )
    trusted_proxies: tuple[str, ...] = Field(
        default=(),
        description="Networks, as a JSON list, of proxies whose X-Forwarded-For is believed; none by default.",
    )
    statement_timeout_ms: int = Field(default=10_000, ge=100, description="The longest one statement may take.")
    request_seconds: int = Field(
        default=120, ge=1, description="Seconds after which a request whose answer has not begun gets 503."
    )
    max_body_bytes: int = Field(default=5_000_000, ge=1_000, description="A larger request body is refused with 413.")
    max_body_values: int = Field(
        default=200_000, ge=1_000, description="A body with more JSON values is refused with 413."
    )
    max_resource_values: int = Field(
        default=20_000, ge=1_000, description="A resource with more JSON values is refused with 413."
    )
    max_bundle_entries: int = Field(default=1_000, ge=1, description="A Bundle with more entries is refused.")
    max_result_bytes: int = Field(
        default=20_000_000, ge=1_000, description="Bytes of records on one page, or in the answer to a transaction."
    )
    max_batch_bytes: int = Field(
        default=200_000_000, ge=1_000, description="Bytes in the answer to a batch; its later entries are refused."
    )
    max_released: int = Field(
        default=2_000, ge=1, description="Records that one request may be given, all entries of its Bundle together."
    )
    default_count: int = Field(default=50, ge=1, description="Entries on a search page when _count is absent.")
    max_count: int = Field(default=500, ge=1, description="Entries on a search page at the most.")
    max_deletes: int = Field(
        default=1, ge=1, le=1000, description="Resources that one conditional delete may delete; more is a 412."
    )
    cors_origins: tuple[str, ...] = Field(
        default=(), description="Web origins, as a JSON list, whose pages may call the FHIR service; none by default."
    )
    exports_running: int = Field(
        default=20, ge=1, le=10_000, description="Bulk exports of all clients that are chosen at once; then 429."
    )
    idempotency_hours: int = Field(
        default=24, ge=1, le=720, description="How long an Idempotency-Key of a client counts."
    )
    export_hours: int = Field(default=24, ge=1, le=720, description="How long a bulk export can be fetched.")
    export_store: str = Field(
        default="",
        description="A folder, or s3://bucket/prefix, that keeps what is exported, sealed; else it is read then.",
    )
    export_store_endpoint: str | None = Field(
        default=None, description="The address of an S3-compatible store that is not Amazon's."
    )
    retention_years: int = Field(
        default=6, ge=6, le=100, description="How long the ledger is kept; `hallpass ledger drop` drops what is older."
    )
    token_seconds: int = Field(default=300, ge=30, le=3600, description="Life of an access token.")
    time_zone: str = Field(default="America/New_York", description="For organizations that name none of their own.")
    require_agreement: bool = Field(
        default=True, description="A release has effect only under an active OrganizationAffiliation."
    )
    log_own_reads: bool = Field(
        default=False,
        description="Enter in the security log what a client reads of its own organization's students.",
    )
    overdue_days: dict[str, int] = Field(
        default={"stat": 1, "asap": 2, "urgent": 3, "routine": 14},
        description="Days without a change after which an open Task is overdue, by priority, as JSON.",
    )
    external_references: Literal["refuse", "keep"] = Field(
        default="refuse",
        description="References to other servers: refused, or kept as they are where they have a display.",
    )
    smtp_url: SecretStr | None = Field(
        default=None, description="The mail server of notifications: smtp://user:password@host:587, or smtps://."
    )
    mail_from: str | None = Field(default=None, description="The address that mails of notifications come from.")
    allow_http_endpoints: bool = Field(
        default=False, description="Notifications may go to http on loopback, unasked. For development only."
    )
    operator_is_intermediary: bool = Field(
        default=True,
        description="A Consent under 42 CFR Part 2 names the exchange besides the members (2.31(a)(4)(ii)).",
    )
    sync_hosts: tuple[str, ...] = Field(
        default=(),
        description="Hosts, as a JSON list, that `hallpass sync` may fetch rosters from and write to; none by default.",
    )
    sync_private: bool = Field(
        default=False, description="Those hosts may be at private addresses, such as a SIS in the same building."
    )
    submit_hosts: tuple[str, ...] = Field(
        default=(), description="Hosts, as a JSON list, that `$bulk-submit` may fetch files from; none by default."
    )
    allow_http_jwks: bool = Field(default=False, description="JWKS URLs may be http and loopback. For tests only.")

    @property
    def fhir_base(self) -> str:
        """The FHIR service's address: what relative references and links are relative to."""
        return f"{self.base_url}/fhir"

    @field_validator("base_url")
    @classmethod
    def _base_url(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("must be an absolute http(s) URL without query or fragment")
        return value.rstrip("/")

    @field_validator("cors_origins")
    @classmethod
    def _cors_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            parts = urlsplit(origin)
            if parts.scheme not in ("http", "https") or origin != f"{parts.scheme}://{parts.netloc}":
                raise ValueError("each must be an origin such as https://ehr.example.org; '*' is not one")
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _trusted_proxies(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for network in value:
            ip_network(network)
        return value

    @field_validator("overdue_days")
    @classmethod
    def _overdue_days(cls, value: dict[str, int]) -> dict[str, int]:
        if set(value) != {"stat", "asap", "urgent", "routine"} or not all(1 <= d <= 365 for d in value.values()):
            raise ValueError("must have stat, asap, urgent and routine, each from 1 to 365 days")
        return value

    @field_validator("time_zone")
    @classmethod
    def _time_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ValueError("must be the IANA name of a time zone, such as America/Chicago") from None
        return value

    @field_validator("database_url")
    @classmethod
    def _database_url(cls, value: str | None) -> str | None:
        if value is not None and not value.strip():
            raise ValueError("is empty: give a PostgreSQL URL, or unset it for the embedded server")
        return value

    @field_validator("export_store")
    @classmethod
    def _export_store(cls, value: str) -> str:
        parts = urlsplit(value)
        if "://" in value and (parts.scheme != "s3" or not parts.netloc or parts.query or parts.fragment):
            raise ValueError("must be a folder, or s3:// with a bucket and perhaps a prefix")
        return value

    @model_validator(mode="after")
    def _store(self) -> Self:
        if self.export_store_endpoint is None:
            return self
        parts = urlsplit(self.export_store_endpoint)
        if not self.export_store.startswith("s3://"):
            raise ValueError("HALLPASS_EXPORT_STORE_ENDPOINT needs HALLPASS_EXPORT_STORE=s3://...")
        if not parts.hostname or (parts.scheme, parts.hostname in LOOPBACK) not in _SAFE_ENDPOINTS:
            raise ValueError("HALLPASS_EXPORT_STORE_ENDPOINT must be https unless it is a loopback address")
        return self

    @model_validator(mode="after")
    def _traces(self) -> Self:
        parts = urlsplit(self.traces_url or "https://unset")
        if not parts.hostname or (parts.scheme, parts.hostname in LOOPBACK) not in _SAFE_ENDPOINTS:
            raise ValueError("HALLPASS_TRACES_URL must be https unless it is a loopback address")
        return self

    @model_validator(mode="after")
    def _safe(self) -> Self:
        parts = urlsplit(self.base_url)
        if parts.scheme == "http" and parts.hostname not in LOOPBACK:
            raise ValueError("HALLPASS_BASE_URL must be https unless it is a loopback address")
        if self.allow_http_endpoints and parts.hostname not in LOOPBACK:
            raise ValueError("HALLPASS_ALLOW_HTTP_ENDPOINTS is for loopback servers only")
        if self.allow_http_jwks and parts.hostname not in LOOPBACK:
            raise ValueError("HALLPASS_ALLOW_HTTP_JWKS is for loopback servers only")
        return self


def default_of(name: str) -> Any:
    """What a setting is where no other is set either."""
    return Settings.model_fields[name].get_default(call_default_factory=True, validated_data={})


DEFAULT_URL: str = default_of("base_url")
"""Where the server is, as far as its clients on the same machine need not be told."""


class UnsafeSettings(Exception):
    """The environment holds a setting that is unknown, malformed or unsafe; the server does not start."""


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return str(Settings.model_fields[name].validation_alias or f"HALLPASS_{name.upper()}")


def load() -> Settings:
    """Read the environment. Raises UnsafeSettings that names each bad variable, never its value."""
    known = {variable(name) for name in Settings.model_fields}
    unknown = sorted(k for k in os.environ if k.startswith("HALLPASS_") and k not in known)
    if unknown:
        raise UnsafeSettings(f"unknown setting {', '.join(unknown)}; `hallpass settings` lists the known ones")
    try:
        return Settings()
    except ValidationError as e:
        raise UnsafeSettings("; ".join(_problem(p["loc"], p["msg"]) for p in e.errors())) from None
    except SettingsError as e:  # a value that should be JSON; the text of the error names the field
        named = [variable(name) for name in Settings.model_fields if f'"{name}"' in str(e)]
        raise UnsafeSettings(f'{", ".join(named) or "a setting"}: must be JSON, for example ["a", "b"]') from None


def _problem(place: tuple[int | str, ...], message: str) -> str:
    """A problem that pydantic found, under the name of its variable."""
    text = message.removeprefix("Value error, ")
    names = [variable(p) if p in Settings.model_fields else p for p in place if isinstance(p, str)]
    return f"{names[0]}: {text}" if names else text
