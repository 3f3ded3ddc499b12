"""Seeded faults for the federation in one process: the network, commits, the store, and outages.

    with Simulation(tmp_path, seed=7, faults=Faults(lost=0.3, after_commit=0.1)) as simulation:
        simulation.run(acts=12)
        simulation.finish()        # faults end, everything settles, every invariant holds

Faults come in pairs. On the wire: "lost" (failed and not stored) and "answer_lost" (failed but
stored). At a commit: "before_commit" and "after_commit", after which the node's process is gone and
begins again on what it stored. The same seed gives the same run.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from typing_extensions import override

from api.adapters.store.folder import FolderStore
from api.domain.errors import ComityError, Conflict, Full, Unavailable
from api.ports.peers import PeerReply
from api.ports.store import Progress
from api.ports.store import Stored as StoredExhibit
from api.records.database import Database
from api.records.unit_of_work import Unit
from api.services.node import Limits
from tests.support import acting, exchange
from tests.support.check_log import Copy, check_everything
from tests.support.federation import Federation, Wire

T = TypeVar("T")
MINISTRIES = ("us-treasury", "uk-fcdo", "ca-gac")


class CrashedError(Exception):
    """The process of a node is gone; only `Simulation` may catch this."""


@dataclass
class Faults:
    """How often what goes wrong, each from 0 to 1, and what is cut off now.

    Attributes:
        lost: a request does not arrive.
        answer_lost: it arrives and is stored; its answer does not.
        duplicated: it arrives twice.
        held: it arrives later, after others.
        before_commit: the process dies with its transaction.
        after_commit: the process dies when the transaction is durable.
        full: the disk is full; nothing is stored and the process lives on.
        store: the process dies before or after it has stored exhibit bytes.
        cut: one-way links (from, to) that carry nothing.
        down: ministries whose node is off.
    """

    lost: float = 0.0
    answer_lost: float = 0.0
    duplicated: float = 0.0
    held: float = 0.0
    before_commit: float = 0.0
    after_commit: float = 0.0
    full: float = 0.0
    store: float = 0.0
    cut: set[tuple[str, str]] = field(default_factory=set)
    down: set[str] = field(default_factory=set)

    def draw(self, source: random.Random, *names: str) -> str:
        """Which of these faults strikes now, or ``none``."""
        chosen = source.random()
        for name in names:
            chosen -= getattr(self, name)
            if chosen < 0:
                return name
        return "none"


@dataclass
class FaultyWire(Wire):
    """The network of one sender, as the simulation's faults have it."""

    simulation: "Simulation" = field(kw_only=True)

    @override
    def post(self, peer: str, path: str, body: bytes, *, content_type: str) -> PeerReply:
        faults = self.simulation.faults
        self.log.append((peer, body))
        if (self.sender, peer) in faults.cut or peer in faults.down:
            raise Unavailable("peer.unreachable", "cut off")
        fate = faults.draw(self.simulation.random, "lost", "answer_lost", "duplicated", "held")
        if fate == "held":
            self.simulation.held.append((peer, body))
        if fate in {"held", "lost"}:
            raise Unavailable("peer.unreachable", "lost on the way")
        reply = self.simulation.receive(peer, body)
        if fate == "duplicated":
            reply = self.simulation.receive(peer, body)
        if fate == "answer_lost" or (peer, self.sender) in faults.cut:
            raise Unavailable("peer.unreachable", "the answer was lost")
        return reply


class FaultyDatabase(Database):
    """A database whose process may die around a commit."""

    def __init__(self, url: str, simulation: "Simulation") -> None:
        super().__init__(url)
        self._simulation = simulation

    @override
    def write(self, work: Callable[[Unit], T]) -> T:
        faults, source = self._simulation.faults, self._simulation.random
        fate = faults.draw(source, "before_commit", "after_commit", "full")
        if fate == "full":
            raise Full("database.full", "The node's disk is full; nothing was stored.")

        def dying(unit: Unit) -> T:
            work(unit)
            raise CrashedError("before the commit")

        result = super().write(dying if fate == "before_commit" else work)
        if fate == "after_commit":
            raise CrashedError("after the commit")
        return result


class FaultyStore(FolderStore):
    """A store whose process may die around storing bytes."""

    def __init__(self, root: Path, simulation: "Simulation") -> None:
        super().__init__(root)
        self._simulation = simulation

    @override
    def put(self, digest: str, size: int | None, chunks: Iterator[bytes]) -> StoredExhibit:
        return self._dying(lambda: super(FaultyStore, self).put(digest, size, chunks))

    @override
    def append_range(self, digest: str, size: int, offset: int, data: bytes) -> Progress:
        return self._dying(
            lambda: super(FaultyStore, self).append_range(digest, size, offset, data)
        )

    def _dying(self, work: Callable[[], T]) -> T:
        fate = self._simulation.faults.draw(self._simulation.random, "store")
        first = self._simulation.random.random() < 0.5
        if fate == "store" and first:
            raise CrashedError("before the bytes are stored")
        result = work()
        if fate == "store":
            raise CrashedError("after the bytes are stored")
        return result


class Simulation:
    """Officers act, jobs run in any order, faults strike, and in the end all of it must fit.

    Args:
        folder: empty folder for databases and stores.
        seed: of everything that is chosen.
        faults: how often what goes wrong.
        urls: databases by ministry; SQLite files if none.
    """

    def __init__(
        self,
        folder: Path,
        *,
        seed: int,
        faults: Faults | None = None,
        urls: dict[str, str] | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.seed = seed
        self.random = random.Random(seed)
        self.faults = Faults()
        self.held: list[tuple[str, bytes]] = []
        self.acknowledged: list[tuple[str, str]] = []
        self.crashes = 0
        self.federation = Federation(folder, seed=seed, urls=urls, limits=limits)
        for ministry in MINISTRIES:
            self._restart(ministry)
        self.faults = faults or Faults()

    def __enter__(self) -> "Simulation":
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None:
            print(f"simulation: seed {self.seed}, {self.faults}, {self.crashes} crashes")
        self.federation.close()

    def receive(self, ministry: str, body: bytes) -> PeerReply:
        """A request arrives at a node, which may die of it."""
        if ministry in self.faults.down:
            raise Unavailable("peer.unreachable", "the node is off")
        try:
            return self.federation.receive(ministry, body)
        except CrashedError:
            self._restart(ministry)
            raise Unavailable("peer.unreachable", "the node died") from None

    def attempt(self, ministry: str, act: Callable[[], T]) -> T | None:
        """Do something at a node; ``None`` if it refused, or died so that nobody knows."""
        if ministry in self.faults.down:
            return None
        try:
            return act()
        except CrashedError:
            self._restart(ministry)
        except ComityError:
            pass
        return None

    def issue(self, ministry: str, act: Callable[[], str]) -> str | None:
        """An act that makes a statement; once its id was answered, it must never be lost."""
        made = self.attempt(ministry, act)
        if made is not None:
            self.acknowledged.append((ministry, made))
        return made

    def step(self) -> None:
        """One round of one node's jobs, a held message, or a little time."""
        chosen = self.random.random()
        if self.held and chosen < 0.3:
            peer, body = self.held.pop(self.random.randrange(len(self.held)))
            try:
                self.receive(peer, body)
            except Unavailable:
                pass
        elif chosen < 0.4:
            self.federation.clock.sleep(self.random.random())
        else:
            self.run_jobs(self.random.choice(MINISTRIES))

    def run_jobs(self, ministry: str) -> bool:
        """One round of one node's jobs; returns whether anything moved."""
        try:
            return bool(self.attempt(ministry, lambda: self.federation.step(ministry)))
        except Conflict:
            return True

    def run(self, acts: int, steps: int = 6) -> None:
        """Let officers act and jobs run, chosen by the seed."""
        for _ in range(acts):
            acting.act(self)
            for _ in range(self.random.randrange(steps + 1)):
                self.step()

    def finish(self) -> dict[str, Copy]:
        """End every fault, let all settle, and check everything."""
        self.faults = Faults()
        for peer, body in self.random.sample(self.held, len(self.held)):
            self.receive(peer, body)
        self.held.clear()
        self.federation.settle()
        copies = check_everything(self.federation)
        known = {name: copy.index("statements", "id") for name, copy in copies.items()}
        lost = [made for made in self.acknowledged if made[1] not in known[made[0]]]
        assert not lost, f"acknowledged and lost: {lost}"
        for thread in {row["id"] for copy in copies.values() for row in copy.rows["threads"]}:
            assert len(exchange.digests(self.federation, thread)) == 1, thread
        return copies

    def _restart(self, ministry: str) -> None:
        self.crashes += 1
        url = self.federation[ministry].db.url
        self.federation.restart(ministry, db=FaultyDatabase(url, self))
        self.federation.nodes[ministry] = replace(
            self.federation[ministry],
            store=FaultyStore(self.federation.homes[ministry] / "store", self),
            transport=FaultyWire(self.federation, ministry, simulation=self),
        )
