"""Nodes whose work is watched: real doors on loopback in this process, with observers, and captured log lines.

with captured_logs("DEBUG") as captured, observed_nodes(tmp_path, observer) as nodes:
    nodes["us-treasury"].client("analyst").get("/api/v1/packages")
captured.lines[-1]["event"]
"""

import io
import json
import logging
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from api.adapters.identity.issuer_keys import IssuerKeys
from api.adapters.identity.resource_server import ResourceServer
from api.adapters.observing import logs
from api.adapters.observing.peers import ObservedPeers
from api.app import create_app
from api.ports.observing import Observer
from tests.support.federation import ISSUER, Federation
from tests.support.issuer import FakeIssuer
from tests.support.running_node import MINISTRIES, RunningNode, RunningNodes
from tests.support.sign_in import serving

LOGGERS = ("", "api", "comity")


@dataclass
class Captured:
    """What the process logged since capturing began."""

    stream: io.StringIO

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The lines; each must be one JSON object."""
        return [json.loads(line) for line in self.text.splitlines()]

    def of(self, event: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["event"] == event]


@contextmanager
def captured_logs(level: str = "INFO") -> Iterator[Captured]:
    """Configure logging as a node's process does, into a string; everything is put back after."""
    loggers = [logging.getLogger(name) for name in LOGGERS]
    before = [(each, each.handlers, each.level) for each in loggers]
    hooks = (sys.excepthook, threading.excepthook, sys.unraisablehook, logging.raiseExceptions)
    captured = Captured(io.StringIO())
    logs.configure(level, captured.stream)
    try:
        yield captured
    finally:
        for each, handlers, kept in before:
            each.handlers = handlers
            each.setLevel(kept)
        sys.excepthook, threading.excepthook, sys.unraisablehook, logging.raiseExceptions = hooks
        logging.captureWarnings(capture=False)


@contextmanager
def observed_nodes(folder: Path, observer: Observer, *ministries: str) -> Iterator[RunningNodes]:
    """Serve nodes on loopback whose doors, database and calls to partners an observer watches."""
    made = Federation(folder, ministries=tuple(MINISTRIES[name] for name in ministries))
    issuer = FakeIssuer(ISSUER, made.clock)
    running = RunningNodes(made, issuer)
    with ExitStack() as stack:
        stack.callback(made.close)
        for name, plain in list(made.nodes.items()):
            plain.db._observer = observer
            node = replace(plain, transport=ObservedPeers(plain.transport, observer))
            made.nodes[name] = node
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            keys = IssuerKeys(issuer.trusted(), issuer.fetch, made.clock)
            tokens = ResourceServer(url, [keys], made.clock)
            app = create_app(node, tokens, public_url=url, observer=observer)
            stack.enter_context(serving(app, listener))
            running.nodes[name] = RunningNode(node, url, app, issuer)
        yield running
