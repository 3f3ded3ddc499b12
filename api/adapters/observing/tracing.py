"""Traces of requests, jobs and calls to partners, sent to the operator's OTLP collector.

Owns the spans and what they may say: templates, methods, statuses, jobs, partners and codes. No
path, query string, id of an object, or text of an exception. A trace never leaves the ministry:
nothing is put into requests to partners, and what callers send as ``traceparent`` is not believed.

The one module that imports OpenTelemetry (extra ``telemetry``); imported only where an endpoint is
set.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Final

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, set_span_in_context

from api.ports.observing import IDLE, Piece, PieceKind

_KINDS: Final = {
    PieceKind.REQUEST: SpanKind.SERVER,
    PieceKind.JOB: SpanKind.INTERNAL,
    PieceKind.PEER_CALL: SpanKind.CLIENT,
}
_PROBES: Final = frozenset({"/healthz", "/readyz"})
_CLOSE_SECONDS: Final = 2.0
_SERVER_ERROR: Final = 500


class _Open:
    """A span under way, and whether it is worth keeping."""

    def __init__(self, span: Span, parent: "_Open | None") -> None:
        self.span = span
        self.parent = parent
        self.kept = False

    def keep(self) -> None:
        """Keep it and what surrounds it."""
        self.kept = True
        if self.parent is not None:
            self.parent.keep()


_OPEN: ContextVar[_Open | None] = ContextVar("comity_open_span", default=None)


class Tracing:
    """Makes spans; implements ``ports/observing``.

    Args:
        processor: takes ended spans.
        ministry: id of this node's ministry.
        version: of this program.
    """

    def __init__(self, processor: SpanProcessor, ministry: str, version: str) -> None:
        resource = Resource(
            {"service.name": "comity", "service.version": version, "comity.ministry": ministry}
        )
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("comity")

    @classmethod
    def to_collector(cls, endpoint: str, ministry: str, version: str) -> "Tracing":
        """Return traces that go to an OTLP/HTTP collector.

        Raises:
            ImportError: the exporter of the extra ``telemetry`` is not installed.
        """
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
        return cls(BatchSpanProcessor(exporter), ministry, version)

    def observe(self, piece: Piece) -> AbstractContextManager[None]:
        """Make a span of a piece; looks that found nothing and probes leave none."""
        return self._observe(piece)

    @contextmanager
    def _observe(self, piece: Piece) -> Iterator[None]:
        parent = _OPEN.get()
        # Without a parent of ours there is none, whatever a caller sent.
        around = set_span_in_context(parent.span) if parent is not None else Context()
        span = self._tracer.start_span(piece.name, around, kind=_KINDS[piece.kind])
        opened = _Open(span, parent)
        token = _OPEN.set(opened)
        try:
            yield
        finally:
            _OPEN.reset(token)
            if opened.kept or _worth_keeping(piece):
                opened.keep()
                _describe(span, piece)
                span.end()

    def committed(self, acts: Sequence[tuple[str, str]]) -> None:
        """Do nothing."""

    def refused(self, door: str, code: str) -> None:
        """Do nothing: the request's span has the code."""

    def close(self) -> None:
        """Hand over what is left, but never hold up the node's end for an absent collector."""
        closing = threading.Thread(target=self._provider.shutdown, daemon=True)
        closing.start()
        closing.join(_CLOSE_SECONDS)


def _worth_keeping(piece: Piece) -> bool:
    if piece.kind is PieceKind.JOB:
        return piece.outcome != IDLE
    return piece.kind is PieceKind.PEER_CALL or piece.name not in _PROBES


def _describe(span: Span, piece: Piece) -> None:
    if piece.kind is PieceKind.REQUEST:
        span.update_name(f"{piece.method} {piece.name}")
        span.set_attribute("http.route", piece.name)
        span.set_attribute("comity.request", piece.request)
    elif piece.kind is PieceKind.JOB:
        span.update_name(f"job {piece.name}")
        span.set_attribute("comity.job", piece.name)
    else:
        span.update_name(f"{piece.method} {piece.name}")
    if piece.method:
        span.set_attribute("http.request.method", piece.method)
    if piece.peer:
        span.set_attribute("comity.peer", piece.peer)
    if piece.outcome.isdigit():
        span.set_attribute("http.response.status_code", int(piece.outcome))
    elif piece.outcome:
        span.set_attribute("comity.outcome", piece.outcome)
    if piece.code:
        span.set_attribute("comity.code", piece.code)
    if _failed(piece):
        span.set_status(Status(StatusCode.ERROR))


def _failed(piece: Piece) -> bool:
    if piece.outcome.isdigit():
        # A refusal is the caller's fault, except where we are the caller (OpenTelemetry's rule).
        least = 400 if piece.kind is PieceKind.PEER_CALL else _SERVER_ERROR
        return int(piece.outcome) >= least
    return piece.outcome not in {"worked", IDLE, "waits"}
