"""The PostgreSQL of the tests, for the long proofs."""

from tests.conftest import server, template, worker_id

__all__ = ["server", "template", "worker_id"]
