"""The background jobs of one node: started beside the app (SQLite) or alone (PostgreSQL).

Owns which loops run and how they end; what a job does is in ``jobs``.
"""

import logging
import os
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial

from api.jobs import reconcile
from api.jobs.anchor import anchor
from api.jobs.deliver import compose, may_compose, may_send, send
from api.jobs.destroy import destroy_exhibits
from api.jobs.follow import EVERY as FOLLOW_EVERY
from api.jobs.follow import follow
from api.jobs.loop import Loop, Pace
from api.jobs.process_inbox import (
    arrived,
    fetch_exhibits,
    fill_gaps,
    has_gaps,
    process_inbox,
)
from api.jobs.reconcile import judge_parked, waits_for_us
from api.jobs.sequence import Sequencer
from api.jobs.wake import WakeOnCommit
from api.jobs.watch_expiry import EVERY, WatchExpiry
from api.jobs.watch_peers import Watch
from api.ports.observing import UNOBSERVED, Observer
from api.records.notices import RECORDED
from api.records.watches import FOLLOWED
from api.services.desk.deadlines import expire_clocks
from api.services.log import remembering
from api.services.log.comparing import others
from api.services.node import Node
from api.services.road.anchoring import has_grown
from api.services.road.collecting import outstanding

_log = logging.getLogger(__name__)
_CRYPTO_THREADS = 2
# Events that no delivery waits for are integrated in batches: a head costs two signatures.
_LINGER = 0.5
_ALONE_TICK = 0.5
_SHARED_TICK = 0.1
# Sleeps of loops that wait for something grow to this; commits wake them at once, in whatever
# process (``records/notices.py``). What no bell tells, a partner's return, is met by then.
_REST = 5.0
# A call to a partner that hangs may take longer to end; whatever it left is repeated safely.
_END_SECONDS = 5.0


class Worker:
    """All loops of one process.

    Args:
        node: the node to work for.
        tick: sleep of loops after their last piece of work, in seconds; by default half a second on
            SQLite, where every commit is this process's own, else a tenth. Commits wake them at
            once.
        observer: watches each piece of work.
        certificate_until: end of the client certificate shown to partners, if there is one.
    """

    def __init__(
        self,
        node: Node,
        *,
        tick: float | None = None,
        observer: Observer = UNOBSERVED,
        certificate_until: datetime | None = None,
    ) -> None:
        self._node = node
        holder = f"{socket.gethostname()}:{os.getpid()}"
        self._pool = ThreadPoolExecutor(_CRYPTO_THREADS, thread_name_prefix="comity-crypto")
        if tick is None:
            tick = _ALONE_TICK if node.db.dialect == "sqlite" else _SHARED_TICK
        bell = node.db.bell
        loop = partial(Loop, observer=observer)
        batches = Pace(tick, _REST, bell("urgent", RECORDED), _LINGER)
        expiry = WatchExpiry(node, certificate_until)
        self.loops = [
            loop("sequence", Sequencer(node, holder), bell("urgent"), batches),
            loop(
                "inbox",
                partial(process_inbox, node, self._pool),
                bell("inbox"),
                Pace(tick, _REST, look=partial(arrived, node)),
            ),
            loop(
                "anchor",
                partial(anchor, node),
                None,
                Pace(node.limits.watch_every, look=partial(has_grown, node)),
            ),
            loop("destroy", partial(destroy_exhibits, node), bell("exhibits"), Pace(60.0)),
            loop("expiry", expiry, None, Pace(EVERY)),
            loop(
                "parked",
                partial(judge_parked, node),
                bell("applied", "ruled"),
                Pace(_REST, look=partial(waits_for_us, node)),
            ),
            loop("clocks", partial(expire_clocks, node), None, Pace(30.0)),
            loop("coverage", partial(follow, node), bell(FOLLOWED), Pace(FOLLOW_EVERY)),
        ]
        for peer in others(node):
            self.loops += self._loops_for(node, peer, tick, observer)
        self.loops.append(loop("wake", WakeOnCommit(node.db.mark, self._wake), None, Pace(_REST)))

    @staticmethod
    def _loops_for(node: Node, peer: str, tick: float, observer: Observer) -> list[Loop]:
        """Return the loops that wait for one partner's door: nobody else's work waits with them."""
        bell, limits, watch = node.db.bell, node.limits, Watch(node, peer)
        loop = partial(Loop, peer=peer, observer=observer)
        return [
            loop(
                f"compose-{peer}",
                partial(compose, node, peer),
                bell("head", "composable"),
                Pace(tick, _REST, look=partial(may_compose, node, peer)),
            ),
            loop(
                f"deliver-{peer}",
                partial(send, node, peer),
                bell("composed", "composable"),
                Pace(tick, _REST, look=partial(may_send, node, peer)),
            ),
            loop(
                f"gaps-{peer}",
                partial(fill_gaps, node, peer),
                bell("early"),
                Pace(1.0, _REST, look=partial(has_gaps, node, peer)),
            ),
            loop(
                f"exhibits-{peer}",
                partial(fetch_exhibits, node, peer),
                bell("exhibits"),
                Pace(1.0, _REST, look=partial(outstanding, node, peer)),
            ),
            loop(
                f"watch-{peer}",
                watch,
                bell("submitted"),
                Pace(limits.watch_every, look=watch.has_cause),
            ),
            loop(f"compare-{peer}", reconcile.Comparing(node, peer), None, Pace(reconcile.AGAIN)),
        ]

    def _wake(self) -> None:
        for each in self.loops:
            each.wake()

    def start(self) -> None:
        """Start every loop; first of all look whether the database went back in time.

        Raises:
            Unavailable: ``memory.unreachable``, ``memory.unreadable``.
        """
        remembering.check(self._node)
        self._node.db.listen()
        for loop in self.loops:
            loop.start()

    def stop(self, timeout: float = _END_SECONDS) -> None:
        """Let every loop finish its piece of work, then return.

        A loop that has not ended by then is left behind: its thread ends with the process, and any
        piece of work may be cut off anywhere.
        """
        end = time.monotonic() + timeout
        for loop in self.loops:
            loop.stop()
        for loop in self.loops:
            if not loop.join(max(0.0, end - time.monotonic())):
                _log.warning("job cut off", extra={"job": loop.name})
        self._node.db.end_listening()
        self._pool.shutdown(wait=True, cancel_futures=True)


def serve_until(worker: Worker, ended: threading.Event) -> None:
    """Run the jobs until ``ended`` is set."""
    worker.start()
    _log.info("worker started")
    ended.wait()
    worker.stop()
    _log.info("worker stopped")
