"""``comity node serve`` and ``node work``: a node's processes.

Owns listening, signals and the start of logging of those processes; what they do is the
application's. Log lines go to stdout, one JSON object each; the one line that says that a node
listens, and the sentence that says why it could not start, to stderr.
"""

import ctypes
import gc
import logging
import os
import resource
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from api.cli import output, service_manager
from api.cli.operator import SettingsFile, load_settings
from api.cli.profiles import CliContext
from api.domain.errors import Conflict, Unavailable

if TYPE_CHECKING:
    from fastapi import FastAPI

    from api.bootstrap import Installation
    from api.settings import Settings
    from api.web.metrics import Listener
    from api.web.server import Server
    from api.worker import Worker

_log = logging.getLogger(__name__)

_BACKLOG = 512
_KEEP_ALIVE_SECONDS = 30
# The end: answers under way, then jobs (``worker``), then the database. Whatever is open then is
# cut off; every piece of work is safe to cut off anywhere.
_GRACE_SECONDS = 8
_END_SECONDS = 18.0
# Far above what callers may have at work; idle connections end by their own time-outs before.
_MOST_CONNECTIONS = 2000
_DESCRIPTORS = 8192
# mallopt(3): from which size on the C library gives a block back as soon as it is free, and how
# many places it takes smaller ones from.
_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8
_LARGE_BLOCK = 256 * 1024
_ARENAS = 2


def serve(_context: CliContext, *, settings: SettingsFile = None) -> None:
    """Run the node: its doors, and its background jobs unless COMITY_JOBS is false.

    SIGTERM lets requests and jobs at hand end, then the process; within 20 seconds, whatever is
    open.

    Example: comity node serve --settings /etc/comity/settings.env
    """
    _give_memory_back()
    loaded = load_settings(settings)
    listener = _listen(loaded.listen_host, loaded.listen_port)
    metrics = None
    try:
        with _set_aside():
            from api.bootstrap import build
            from api.services.desk import members
        installation = build(loaded)
        try:
            members.require_confirmed(installation.node)
            metrics = _show_metrics(installation)
            _start_logging(loaded)
            _serve(installation, listener)
        finally:
            _close(metrics)
            installation.close()
    finally:
        listener.close()


def work(_context: CliContext, *, settings: SettingsFile = None) -> None:
    """Run the background jobs alone, beside a node that serves with COMITY_JOBS=false.

    Example: comity node work --settings /etc/comity/settings.env
    """
    # First of all: to import takes a second, and who is told to end meanwhile ends in order.
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, partial(_end_working, ended))
    _give_memory_back()
    with _set_aside():
        from api.bootstrap import build
        from api.services.desk import members
        from api.worker import serve_until

    loaded = load_settings(settings)
    installation = build(loaded)
    metrics = None
    try:
        members.require_confirmed(installation.node)
        metrics = _show_metrics(installation)
        _start_logging(loaded)
        output.talk(f"working for {loaded.ministry}")
        service_manager.say_ready()
        serve_until(_worker(installation), ended)
    finally:
        _close(metrics)
        installation.close()


def _give_memory_back() -> None:
    """Let what large bodies took go back to the system at once.

    By itself the GNU C library raises that size with each large block that is freed, and keeps what
    each thread had; others know no such option.
    """
    try:
        set_option = ctypes.CDLL(None).mallopt
    except AttributeError:
        return
    set_option(_M_MMAP_THRESHOLD, _LARGE_BLOCK)
    set_option(_M_ARENA_MAX, _ARENAS)


@contextmanager
def _set_aside() -> Iterator[None]:
    """Import without looking for garbage, and leave what was imported out of every later look.

    Modules stay as long as the process. Looking through them while they load takes a sixth of the
    start, and again at each full collection and at the end.
    """
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        gc.enable()


def _end_working(ended: threading.Event, *_: object) -> None:
    ended.set()
    _end_in_time()


def _serve(installation: "Installation", listener: socket.socket) -> None:
    with _set_aside():
        from api.app import Edge, create_app
        from api.bootstrap import local_places, spool_of
        from api.services.operations.readiness import Bounds

    settings = installation.settings
    app = create_app(
        installation.node,
        installation.tokens,
        public_url=settings.public_url,
        background=_worker(installation) if settings.jobs else None,
        observer=installation.observer,
        edge=Edge(
            spool=spool_of(settings),
            exhibit_limit=settings.exhibit_limit,
            bounds=Bounds(places=local_places(settings)),
        ),
        relying_party=installation.relying_party,
    )
    server = _server(app, settings, listener)

    # Until uvicorn listens for signals itself, one that comes must not be lost. And when it is done
    # it raises those that ended it once more: an orderly end is no death by signal.
    def end(*_: object) -> None:
        server.should_exit = True

    _raise_descriptors()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    server.run(sockets=[listener])
    if not server.started:
        raise Unavailable("node.not-started", "The node could not start; the log says why.")


def _server(app: "FastAPI", settings: "Settings", listener: socket.socket) -> "Server":
    import uvicorn

    from api.web.framing import ProblemProtocol
    from api.web.server import Server

    config = uvicorn.Config(
        app,
        http=ProblemProtocol,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,  # the protocol's own
        proxy_headers=bool(settings.proxy_addresses),
        forwarded_allow_ips=settings.proxy_addresses.split(),
        limit_concurrency=_MOST_CONNECTIONS,
        ws="none",
        lifespan="on",
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )

    def listens() -> None:
        output.talk(_listening(settings, listener))
        service_manager.say_ready()

    def ends() -> None:
        _end_in_time()
        for end in app.state.endings:
            end()

    return Server(config, listens, ends)


def _end_in_time() -> None:
    """See to it that the process ends even if a thread never does."""

    def cut_off() -> None:
        _log.warning("work cut off at the end")
        logging.shutdown()
        os._exit(0)

    last = threading.Timer(_END_SECONDS, cut_off)
    last.daemon = True
    last.start()


def _raise_descriptors() -> None:
    """Let the process have more open files than the usual 1024, where the machine permits."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(_DESCRIPTORS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _worker(installation: "Installation") -> "Worker":
    from api.worker import Worker

    return Worker(
        installation.node,
        observer=installation.observer,
        certificate_until=installation.certificate_until,
    )


def _show_metrics(installation: "Installation") -> "Listener | None":
    """Open the metrics listener, if one is wanted; without it nothing of it is imported."""
    counting, settings = installation.watchers.counting, installation.settings
    if counting is None:
        return None
    from api.bootstrap import local_places
    from api.web.metrics import Subject, listen, parse_address

    subject = Subject(installation.node, installation.certificate_until, local_places(settings))
    address = parse_address(settings.metrics_listen, settings.listen_port)
    return listen(counting.registry, subject, address)


def _close(metrics: "Listener | None") -> None:
    if metrics is not None:
        metrics.close()


def _start_logging(settings: "Settings") -> None:
    from api.adapters.observing import logs

    logs.configure(settings.log_level)
    _log.info("node starts", extra={"ministry": settings.ministry})


def _listen(host: str, port: int) -> socket.socket:
    """Return a socket that is bound, so that a taken port is known before the database opens."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise Conflict(
            "listen.refused", f"Cannot listen on {host}:{port}: {os.strerror(error.errno or 0)}."
        ) from None
    # Accepted connections inherit it: small answers must not wait for acknowledgements.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _listening(settings: "Settings", listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"listening on http://{host}:{port} as {settings.ministry} ({settings.public_url})"
