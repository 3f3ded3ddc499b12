"""The metrics listener: Prometheus text on an address of its own, and the node's figures in it.

Owns the names of the figures about the node as a whole, which are read at a scrape and kept for a
few seconds, and the listener itself: no sign-in, so it never shares the public port. Counters of
this process are ``adapters/observing/counting``'s. Figures of the node are the same in each of its
processes: take the maximum over them, never the sum.
"""

import os
import socket
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final, TypeAlias
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.types import WSGIApplication

from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import ThreadingWSGIServer
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from typing_extensions import override

from api import __version__
from api.domain.errors import ComityError, Conflict, Invalid
from api.services.node import Node
from api.services.operations import attention, status
from api.services.operations.status import ParkedCounts, Status, age

Labelled: TypeAlias = Mapping[tuple[str, ...], float]

_KEPT_SECONDS: Final = 2.0
_LOOK_SECONDS: Final = 60.0  # whether to end, where nothing wakes the listener
_NONE: Final = ParkedCounts(0, 0, 0, "")
_LARGEST_PORT: Final = 65535


@dataclass(frozen=True, slots=True)
class Subject:
    """What the figures are about.

    Attributes:
        node: this node.
        certificate_until: end of the client certificate shown to partners; ``None`` without one.
        places: local folders by name whose disks are watched.
    """

    node: Node
    certificate_until: datetime | None = None
    places: Mapping[str, Path] = field(default_factory=dict)


class NodeFigures(Collector):
    """Reads the node's figures at a scrape; a database that is away leaves them out and says so.

    Args:
        subject: what to read.
    """

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._lock = threading.Lock()
        self._kept: list[Metric] = []
        self._kept_at = -_KEPT_SECONDS

    def describe(self) -> Iterable[Metric]:
        """Return nothing: registering must not read the database."""
        return []

    @override
    def collect(self) -> Iterable[Metric]:
        """Return the figures, at most two seconds old."""
        with self._lock:
            if time.monotonic() - self._kept_at >= _KEPT_SECONDS:
                self._kept = list(_all(self._subject))
                self._kept_at = time.monotonic()
            return self._kept


def _all(subject: Subject) -> Iterator[Metric]:
    yield _gauge("comity_build_info", "Version of the program.", {(__version__,): 1}, "version")
    yield from _machine(subject)
    try:
        found = status.figures(subject.node)
    except ComityError:
        yield _gauge("comity_figures_up", "Whether the figures could be read.", {(): 0})
        return
    yield _gauge("comity_figures_up", "Whether the figures could be read.", {(): 1})
    yield from _log(found)
    yield from _partners(subject.node, found)
    yield from _state(found)


def _machine(subject: Subject) -> Iterator[Metric]:
    node = subject.node
    yield _gauge(
        "comity_keys",
        "Keys in the keystore, by purpose and state (current, retired, revoked).",
        {key: float(count) for key, count in attention.key_states(node).items()},
        "purpose",
        "state",
    )
    concerns: dict[tuple[str, ...], float] = {}
    for concern in attention.concerns(node, subject.certificate_until):
        concerns[(concern.code,)] = concerns.get((concern.code,), 0.0) + 1
    yield _gauge("comity_attention", "Certificates and keys to look after.", concerns, "code")
    if subject.certificate_until is not None:
        left = attention.days_left(node, subject.certificate_until)
        yield _gauge(
            "comity_certificate_expiry_days",
            "Days until the client certificate shown to partners expires.",
            {(): left},
        )
    for name, text, values in _disks(subject.places):
        yield _gauge(name, text, values, "place")


def _disks(places: Mapping[str, Path]) -> Iterator[tuple[str, str, Labelled]]:
    free: dict[tuple[str, ...], float] = {}
    used: dict[tuple[str, ...], float] = {}
    inodes: dict[tuple[str, ...], float] = {}
    for name, path in places.items():
        try:
            found = os.statvfs(path)
        except OSError:
            continue
        free[(name,)] = float(found.f_frsize * found.f_bavail)
        used[(name,)] = 1 - found.f_bavail / found.f_blocks if found.f_blocks else 0.0
        inodes[(name,)] = 1 - found.f_favail / found.f_files if found.f_files else 0.0
    yield "comity_disk_free_bytes", "Room left for the service account.", free
    yield "comity_disk_used_ratio", "Share of the disk that is used.", used
    yield "comity_disk_inodes_used_ratio", "Share of the disk's inodes that is used.", inodes


def _log(found: Status) -> Iterator[Metric]:
    figures = (
        ("comity_log_leaves", "Leaves in the newest signed head.", found.log_size),
        ("comity_unsequenced_events", "Events that no shown head covers.", found.unsequenced),
        (
            "comity_unsequenced_age_seconds",
            "Age of the oldest event without a leaf.",
            age(found.unsequenced_since, found.at),
        ),
        (
            "comity_unwitnessed_leaves",
            "Leaves beyond the newest head that the quorum of partners cosigned.",
            found.unwitnessed.leaves,
        ),
        (
            "comity_unwitnessed_age_seconds",
            "Age of the oldest event beyond that head.",
            age(found.unwitnessed.since, found.at),
        ),
        (
            "comity_sequencer_lease_held",
            "Whether some process holds the sequencer's lease.",
            bool(found.sequencer),
        ),
    )
    for name, text, value in figures:
        yield _gauge(name, text, {(): float(value)})


def _partners(node: Node, found: Status) -> Iterator[Metric]:
    peers = [member.id for member in node.membership.members if member.id != node.ministry]

    def queued(name: str) -> Labelled:
        return {(peer,): found.queues.get(peer, {}).get(name, 0) for peer in peers}

    failures: Labelled = {
        (peer,): float(tried.count if (tried := found.attempts.get(peer)) else 0) for peer in peers
    }
    ages: Labelled = {(peer,): age(found.oldest.get(peer, ""), found.at) for peer in peers}
    cosigned: Labelled = {(peer,): float(found.cosigned.get(peer, 0)) for peer in peers}
    figures: tuple[tuple[str, str, Labelled], ...] = (
        ("comity_outbox_waiting", "Statements in no message yet.", queued("waiting")),
        ("comity_unreceipted_messages", "Messages without a receipt.", queued("unreceipted")),
        ("comity_queue_age_seconds", "Age of the oldest message without a receipt.", ages),
        ("comity_dead_letters", "Messages that were given up.", queued("dead")),
        ("comity_delivery_failures", "Failed attempts in a row.", failures),
        (
            "comity_cosigned_leaves",
            "Largest size of this log that the partner cosigned.",
            cosigned,
        ),
        (
            "comity_parked_statements",
            "The partner's statements that wait for an administrator.",
            {(peer,): float(found.parked.get(peer, _NONE).undecidable) for peer in peers},
        ),
        (
            "comity_parked_overdue",
            "Of those, the ones that have waited longer than a day.",
            {(peer,): float(found.parked.get(peer, _NONE).overdue) for peer in peers},
        ),
        (
            "comity_accused",
            "Whether a proof of misbehaviour freezes the partner's stream.",
            {(peer,): float(peer in found.accused) for peer in peers},
        ),
    )
    for name, text, values in figures:
        yield _gauge(name, text, values, "peer")


def _state(found: Status) -> Iterator[Metric]:
    figures = (
        ("comity_exhibits_awaited", "Exhibits of received packages not here yet.", found.awaited),
        ("comity_stop_switch", "Whether nothing leaves this node.", found.stopped),
        (
            "comity_restoring",
            "Whether the node is read-only until its partners have answered.",
            found.restore.pending,
        ),
        ("comity_misbehaviour", "Proofs of misbehaviour that await a ruling.", found.misbehaviour),
    )
    for name, text, value in figures:
        yield _gauge(name, text, {(): float(value)})


def _gauge(name: str, text: str, values: Labelled, *labels: str) -> Metric:
    made = GaugeMetricFamily(name, text, labels=labels)
    for key, value in values.items():
        made.add_metric(key, float(value))
    return made


class Listener:
    """The metrics' own HTTP server, in daemon threads."""

    def __init__(self, server: WSGIServer) -> None:
        self._server = server

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_port)

    def close(self) -> None:
        """Stop listening."""
        ending = threading.Thread(target=self._server.shutdown, daemon=True)
        ending.start()
        # Wakes the thread that waits for callers; where it does not, that one looks by itself.
        with suppress(OSError):
            self._server.socket.shutdown(socket.SHUT_RDWR)
        ending.join()
        self._server.server_close()


class _Silent(WSGIRequestHandler):
    """Handles a scrape without a line on stderr."""

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def listen(registry: CollectorRegistry, subject: Subject, address: tuple[str, int]) -> Listener:
    """Serve the counters of a registry and the figures of a node.

    Raises:
        Conflict: ``listen.refused``.
    """
    host, port = address
    registry.register(NodeFigures(subject))
    try:
        server = _bound(host, port, make_wsgi_app(registry))
    except OSError as error:
        number = error.errno or 0
        reason = os.strerror(number) if number > 0 else "there is no such address"
        raise Conflict(
            "listen.refused", f"Cannot listen on {host}:{port} for metrics: {reason}."
        ) from None
    threading.Thread(target=server.serve_forever, args=(_LOOK_SECONDS,), daemon=True).start()
    return Listener(server)


def _bound(host: str, port: int, application: WSGIApplication) -> WSGIServer:
    """Return a server at an address; the library's own looks twice a second whether to end.

    Raises:
        OSError: nothing can listen there.
    """
    (family, *_, address), *_ = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )

    class Server(ThreadingWSGIServer):
        """One of the address's own family."""

        address_family: int = family

    return make_server(str(address[0]), port, application, Server, _Silent)


def parse_address(text: str, public_port: int) -> tuple[str, int]:
    """Return host and port of ``COMITY_METRICS_LISTEN``.

    Args:
        text: ``host:port``, or ``[address]:port`` for IPv6.
        public_port: the port officers and partners reach; metrics have no sign-in and never
            share it, not even on another address.

    Raises:
        Invalid: ``metrics.address``, ``metrics.public-port``.
    """
    host, colon, digits = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    port = int(digits) if digits.isascii() and digits.isdigit() else -1
    if not colon or not host or not 0 <= port <= _LARGEST_PORT:
        raise Invalid("metrics.address", "Give COMITY_METRICS_LISTEN as host:port.")
    if port == public_port:
        raise Invalid(
            "metrics.public-port", "Metrics need no sign-in: give them a port of their own."
        )
    return host, port
