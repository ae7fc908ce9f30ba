"""Sends spans to an operator's collector by OTLP over HTTP. https://opentelemetry.io/docs/specs/otlp/#otlphttp"""

from __future__ import annotations

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

from app.telemetry import traces


class Collector:
    """What takes the spans of this process, from a thread of its own: one that is down holds nobody up."""

    def __init__(self, url: str, share: float) -> None:
        resource = Resource.create({"service.name": "hallpass"})
        self._provider = TracerProvider(sampler=ParentBased(TraceIdRatioBased(share)), resource=resource)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=url, timeout=5)))
        traces.use(self._provider.get_tracer("hallpass"))

    def close(self) -> None:
        """Send what is left, and take no more."""
        traces.use(None)
        self._provider.shutdown()
