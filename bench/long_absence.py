"""A log grows by 1,000,000 leaves while a partner is away: it catches up; largest request, memory.

The leaves are appended below the use cases (``tests/support/grown_logs.py``), with a head signed
for each 2048 of them as the sequencer would. Two nodes in one process; bytes are handed over
without HTTP. Ends with the partner's head at the log's size and a statement delivered under it. The
floor is what must hold: no request of more than 2 MiB.

    python -m bench long_absence [--leaves N]
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from api.ports.peers import PeerReply
from api.records import peer_logs
from api.services.operations import status
from bench.catch_up import rss
from tests.support import exchange
from tests.support.exchange import UK, US
from tests.support.federation import Federation, Wire
from tests.support.grown_logs import grow
from tests.support.signing import UK as UK_KEYS
from tests.support.signing import US as US_KEYS

_MOST = 2 * 1024 * 1024


class Measured(Wire):
    """A network that keeps the size of what it carried, and nothing else."""

    largest = 0
    requests = 0
    most = 0

    def post(self, peer: str, path: str, body: bytes, *, content_type: str) -> PeerReply:
        """Carry a request."""
        self.largest, self.requests = max(self.largest, len(body)), self.requests + 1
        self.log.clear()
        reply = super().post(peer, path, body, content_type=content_type)
        self.most = max(self.most, rss())
        return reply


def main(arguments: list[str]) -> None:
    """Print the figures; end with 1 where a request was larger than may be."""
    parser = argparse.ArgumentParser(prog="bench long_absence")
    parser.add_argument("--leaves", type=int, default=1_000_000)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        federation = Federation(Path(folder) / "n", ministries=(US_KEYS, UK_KEYS))
        wire = Measured(federation, US)
        object.__setattr__(federation[US], "transport", wire)
        exchange.designate(federation, US, "Before", to=(UK,))
        federation.settle()
        federation.down.add(UK)
        started = time.perf_counter()
        size = grow(federation[US], options.leaves)
        grown, before = time.perf_counter() - started, rss()
        federation.down.discard(UK)
        wire.largest = wire.requests = 0
        exchange.designate(federation, US, "Afterwards", to=(UK,))
        started = time.perf_counter()
        federation.settle()
        took = time.perf_counter() - started
        seen = federation[UK].db.read(lambda c: peer_logs.peer_log(c, US))
        receipted = federation[US].db.read(lambda c: status.sent_counts(c, UK)).receipted
        if seen is None or seen.size < size or receipted < 2:
            raise SystemExit("the partner did not catch up")
        federation.close()
    print(
        f"{options.leaves} leaves grown in {grown:.0f} s; caught up in {took:.1f} s, "
        f"{wire.requests} requests, the largest {wire.largest / 1024:.0f} KiB "
        f"(at most {_MOST // 1024}); resident memory {before} MiB before, {wire.most} at most"
    )
    if wire.largest > _MOST:
        raise SystemExit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
