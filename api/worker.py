"""The background jobs of one node: started beside the app (SQLite) or alone (PostgreSQL).

Owns which loops run and how they end; what a job does is in ``jobs``.
"""

import logging
import os
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from api.jobs.anchor import anchor
from api.jobs.deliver import deliver
from api.jobs.loop import Loop
from api.jobs.process_inbox import fetch_exhibits, fill_gaps, process_inbox
from api.jobs.sequence import Sequencer
from api.jobs.watch_peers import Watch
from api.services.node import Node

_log = logging.getLogger(__name__)
_CRYPTO_THREADS = 2
# Events that no delivery waits for are integrated in batches: a head costs two signatures.
_SEQUENCE_TICK = 0.2


class Worker:
    """All loops of one process.

    Args:
        node: the node to work for.
        tick: longest sleep of loops that other processes may have work for, in seconds. Commits
            in this process wake them at once.
    """

    def __init__(self, node: Node, *, tick: float = 0.1) -> None:
        holder = f"{socket.gethostname()}:{os.getpid()}"
        self._pool = ThreadPoolExecutor(_CRYPTO_THREADS, thread_name_prefix="comity-crypto")
        bell = node.db.bell
        self.loops = [
            Loop("sequence", Sequencer(node, holder), bell("urgent"), _SEQUENCE_TICK),
            Loop("inbox", partial(process_inbox, node, self._pool), bell("inbox"), tick),
            Loop("gaps", partial(fill_gaps, node), None, 1.0),
            Loop("watch", Watch(node), None, node.limits.watch_every),
            Loop("anchor", partial(anchor, node), None, node.limits.watch_every),
            Loop("exhibits", partial(fetch_exhibits, node), bell("exhibits"), 1.0),
        ]
        for member in node.membership.members:
            if member.id != node.ministry:
                wake = bell("head", "composed")
                name = f"deliver-{member.id}"
                self.loops.append(Loop(name, partial(deliver, node, member.id), wake, tick))

    def start(self) -> None:
        """Start every loop."""
        for loop in self.loops:
            loop.start()

    def stop(self, timeout: float = 20.0) -> None:
        """Let every loop finish its piece of work, then return."""
        for loop in self.loops:
            loop.stop()
        for loop in self.loops:
            loop.join(timeout)
        self._pool.shutdown(wait=True)


def serve_until(node: Node, ended: threading.Event, *, tick: float = 0.1) -> None:
    """Run the jobs until ``ended`` is set."""
    worker = Worker(node, tick=tick)
    worker.start()
    _log.info("worker started")
    ended.wait()
    worker.stop()
    _log.info("worker stopped")
