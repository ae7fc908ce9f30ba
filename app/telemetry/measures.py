"""The measures of one process. Their labels come from closed lists: routes, methods, kinds of errors.

https://prometheus.io/docs/practices/naming/ and https://prometheus.github.io/client_python/multiprocess/
"""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

REQUESTS = Counter("hallpass_requests", "Requests answered, by route.", ("method", "route", "status"))
REQUEST_SECONDS = Histogram(
    "hallpass_request_seconds", "From a request's head to the end of its answer.", ("route",), buckets=SECONDS
)
UNDER_WAY = Gauge("hallpass_requests_under_way", "Requests that are being answered.", multiprocess_mode="livesum")
REFUSALS = Counter("hallpass_refusals", "Errors answered, by kind.", ("kind",))
DISCLOSURES = Counter("hallpass_disclosures", "Versions of records given to others than their custodian.", ("type",))
SECURITY_EVENTS = Counter("hallpass_security_events", "Logins given, and what was refused.", ("kind", "outcome"))
POOL_IN_USE = Gauge(
    "hallpass_pool_connections_in_use", "Database connections that requests hold.", multiprocess_mode="livesum"
)
POOL_WAIT_SECONDS = Histogram("hallpass_pool_wait_seconds", "Waiting for a database connection.", buckets=SECONDS)
TRANSACTION_SECONDS = Histogram(
    "hallpass_transaction_seconds", "A database transaction, its commit included.", buckets=SECONDS
)
STAGE_SECONDS = Histogram("hallpass_stage_seconds", "A stage of a request's work.", ("stage",), buckets=SECONDS)


def answered(method: str, route: str, status: int, seconds: float) -> None:
    """Count a request that has been answered. `route` is a path's pattern, never a path."""
    REQUESTS.labels(method if method in METHODS else "other", route, str(status)).inc()
    REQUEST_SECONDS.labels(route).observe(seconds)
