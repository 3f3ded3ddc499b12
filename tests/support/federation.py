"""Several nodes in one process: real services, real database, real signatures, no sockets.

    federation = Federation(tmp_path)
    us = federation["us-treasury"]
    ...
    federation.settle()

The network between them is `Wire`, an implementation of the transport port with fault switches in
pairs: a request can fail before the other node has it ("failed and not stored") or after ("failed but
stored"). Faults are drawn from a seeded generator or set by a test.
"""

import functools
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

from api.adapters.memory.file import FileMemory
from api.adapters.policy.cedar import CedarDecider
from api.adapters.policy.regimes import load_announcements, load_documents
from api.adapters.store.folder import FolderStore
from api.domain.errors import ComityError, Conflict, Unavailable
from api.domain.events import Act, Subject
from api.domain.regimes.advice import Regime
from api.domain.regimes.together import regimes_of
from api.jobs.anchor import anchor
from api.jobs.process_inbox import fetch_exhibits, fill_gaps, process_inbox
from api.jobs.watch_peers import Watch
from api.ports.peers import PeerReply
from api.records.database import Database
from api.records.officers import GRANTS, IDENTITIES, OFFICER_KEYS, OFFICERS
from api.records.unit_of_work import Unit
from api.services import recording
from api.services.authorising import Caller, officer_caller, peer_caller
from api.services.law import Law
from api.services.log import add_checkpoint, checkpoints, log_door, peer_tokens
from api.services.node import Limits, Node
from api.services.road import partner_memberships, receiving
from api.web import problems
from api.web.log import submitting
from api.wire.canonical import canonical
from api.wire.errors import WireError
from api.wire.keys import thumbprint
from api.wire.membership import Membership
from api.wire.statements import NONCE_BYTES, Content
from tests.support import templates
from tests.support.delivering import deliver
from tests.support.signing import CA, UK, US, SealingMinistry, Signatory, membership

ISSUER = "https://id.example"
QUIET_ROUNDS = 2
"""The first quiet round may have found everybody waiting; the clock then jumps over any back-off."""

POLICIES = Path(__file__).resolve().parents[2] / "policies"


@functools.cache
def shipped_policies() -> CedarDecider:
    """The policies of the repository; parsed once, they keep no state."""
    return CedarDecider.from_directory(POLICIES)


@functools.cache
def shipped_regimes() -> tuple[Mapping[str, Any], Mapping[str, Regime]]:
    """The repository's documents and regimes; parsed once, they are values."""
    documents = load_documents(POLICIES)
    return documents, regimes_of(documents)


def shipped_law() -> Law:
    """The law of a node on which nobody decided anything of it yet."""
    return Law(*shipped_regimes())


class SimulatedClock:
    """A clock that a test moves; sleeping moves it."""

    def __init__(self, start: datetime | None = None) -> None:
        self.at = start or datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

    def now(self) -> datetime:
        self.at += timedelta(milliseconds=1)
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


class SeededEntropy:
    """Repeatable bytes; identifiers stay ordered."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._count = 0

    def token(self, size: int) -> bytes:
        return self._random.randbytes(size)

    def identifier(self) -> str:
        self._count += 1
        return f"{self._count:012x}{self._random.randbytes(10).hex()}"


def hire(node: Node, iss: str = ISSUER) -> None:
    """Put officers into an empty node, as the bootstrap and two administrators would."""
    roles = {
        "analyst": ("analyst",),
        "analyst2": ("analyst",),
        "reviewer": ("reviewer",),
        "reviewer2": ("reviewer",),
        "auditor": ("auditor",),
        "admin": ("administrator",),
        "admin2": ("administrator",),
    }

    def write(unit: Unit) -> None:
        for name, held in roles.items():
            officer = node.entropy.identifier()
            at = node.now()
            unit.insert(
                OFFICERS,
                {"id": officer, "name": name, "state": "active", "created_at": at},
            )
            sub = f"{node.ministry}:{name}"
            unit.insert(IDENTITIES, {"iss": iss, "sub": sub, "officer": officer})
            for role in held:
                unit.insert(
                    GRANTS,
                    {
                        "id": node.entropy.identifier(),
                        "officer": officer,
                        "role": role,
                        "state": "active",
                        "proposed_by": "test",
                        "proposed_at": at,
                    },
                )
            signatory = Signatory(sub)
            unit.insert(
                OFFICER_KEYS,
                {
                    "kid": thumbprint(signatory.jwk),
                    "officer": officer,
                    "form": "jws",
                    "jwk": "{}",
                    "state": "active",
                    "proposed_by": "test",
                    "proposed_at": at,
                },
            )
        entry = recording.Entry(act=Act.NODE_INITIALISED, subject=Subject("node", node.ministry))
        recording.record(node, unit, entry)

    node.db.write(write)


_WRITTEN: Counter[str] = Counter()
"""How often anything was written to a database, by its URL."""


def _count_writes(write: Callable[[Database, Any], Any]) -> Callable[[Database, Any], Any]:
    @functools.wraps(write)
    def counted(self: Database, work: Any) -> Any:
        _WRITTEN[self.url] += 1
        return write(self, work)

    return counted


Database.write = _count_writes(Database.write)  # type: ignore[assignment,method-assign]


@dataclass
class Wire:
    """The network of one sender; `fault` decides each request's fate by name."""

    federation: "Federation"
    sender: str
    fault: Callable[[str, str], str] = field(default=lambda sender, peer: "none")
    log: list[tuple[str, bytes]] = field(default_factory=list)
    reads: list[tuple[str, str]] = field(default_factory=list)
    refused: int = 0
    """How often a partner was not reached or answered otherwise than 200; such work waits for its turn."""

    def post(self, peer: str, path: str, body: bytes, *, content_type: str) -> PeerReply:
        return self._counted(lambda: self._post(peer, path, body))

    def _counted(self, ask: Callable[[], PeerReply]) -> PeerReply:
        self.refused += 1
        reply = ask()
        self.refused -= reply.status == HTTPStatus.OK
        return reply

    def _post(self, peer: str, path: str, body: bytes) -> PeerReply:
        fate = self.fault(self.sender, peer)
        self.log.append((peer, body))
        if fate == "lost":
            raise Unavailable("peer.unreachable", "lost on the way")
        door = self.federation.submit if path == add_checkpoint.PATH else self.federation.receive
        reply = door(peer, body)
        if fate == "duplicated":
            reply = door(peer, body)
        if fate == "answer-lost":
            raise Unavailable("peer.unreachable", "the answer was lost")
        return reply

    def get(self, peer: str, path: str, *, token: str, headers: dict[str, str]) -> PeerReply:
        return self._counted(lambda: self._get(peer, path, token))

    def _get(self, peer: str, path: str, token: str) -> PeerReply:
        fate = self.fault(self.sender, peer)
        self.reads.append((peer, path))
        if fate in {"lost", "answer-lost"}:
            raise Unavailable("peer.unreachable", fate)
        return self.federation.read(peer, path, token)


def _asked(node: Node) -> int | None:
    """How much a node has asked of others; ``None`` where its network does not count."""
    wire = node.transport
    return len(wire.log) + len(wire.reads) if isinstance(wire, Wire) else None


class Federation:
    """Three ministries with officers, on SQLite files or on the databases given by URL."""

    def __init__(
        self,
        folder: Path,
        *,
        seed: int = 1,
        ministries: tuple[SealingMinistry, ...] = (US, UK, CA),
        urls: dict[str, str] | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.clock = SimulatedClock()
        self.random = random.Random(seed)
        self.membership: Membership = membership(*ministries)
        self.nodes: dict[str, Node] = {}
        self.wires: dict[str, Wire] = {}
        self.people: dict[str, Caller] = {}
        self.down: set[str] = set()
        self.watches: dict[str, Watch] = {}
        self.pool = ThreadPoolExecutor(2)
        decider = shipped_policies()
        self.homes = {ministry.id: folder / ministry.id for ministry in ministries}
        for number, ministry in enumerate(ministries):
            home = self.homes[ministry.id]
            home.mkdir(parents=True)
            url = (urls or {}).get(ministry.id, f"sqlite:///{home}/node.db")
            templates.prepare(url)
            wire = self.wires[ministry.id] = Wire(self, ministry.id)
            self.nodes[ministry.id] = Node(
                ministry=ministry.id,
                db=Database(url),
                signer=ministry,
                decider=decider,
                four_eyes=decider.four_eyes,
                store=FolderStore(home / "store"),
                transport=wire,
                clock=self.clock,
                entropy=SeededEntropy(seed * 100 + number),
                membership=self.membership,
                memory=FileMemory(folder / "heads" / f"{ministry.id}.json"),
                software="comity/test",
                law=shipped_law(),
                announcements=load_announcements(POLICIES),
                limits=limits or Limits(cursor_secret=b"test", retry_base=0.01, retry_cap=0.1),
            )
            hire(self.nodes[ministry.id])

    def __getitem__(self, ministry: str) -> Node:
        return self.nodes[ministry]

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes.values())

    def officer(self, ministry: str, name: str) -> Caller:
        """The caller of an officer such as ``analyst``, ``reviewer2``, ``auditor``, ``admin``."""
        sub = f"{ministry}:{name}"
        return officer_caller(
            self.nodes[ministry], ISSUER, sub, origin="rest", request=f"req-{name}"
        )

    def signatory(self, ministry: str, name: str) -> Signatory:
        return Signatory(f"{ministry}:{name}")

    def endorse(self, caller: Caller, content: Content) -> dict[str, Any]:
        """A preparer's own signature over a content, with a nonce that the seed gives."""
        ministry = caller.principal.ministry
        nonce = self.nodes[ministry].entropy.token(NONCE_BYTES)
        return Signatory(caller.sub).prepare(content, ministry, nonce)

    def receive(self, ministry: str, body: bytes) -> PeerReply:
        """What a node's peer door answers, without HTTP."""
        if ministry in self.down:
            raise Unavailable("peer.unreachable", "the node is down")
        try:
            answer = receiving.accept(self.nodes[ministry], body)
        except (ComityError, WireError) as error:
            import json

            details = error.details if isinstance(error, ComityError) else {}
            text = json.dumps({"code": error.code, "detail": error.message, **details})
            return PeerReply(problems.status_of(error), text.encode())
        return PeerReply(200, answer.body)

    def read(self, ministry: str, path: str, token: str) -> PeerReply:
        """What a node's log door answers to a member's node, without HTTP."""
        if ministry in self.down:
            raise Unavailable("peer.unreachable", "the node is down")
        node = self.nodes[ministry]
        if path == partner_memberships.PATH:
            pinned = {"serial": node.membership.serial, "digest": node.membership.digest}
            return PeerReply(200, canonical({"membership": pinned}))
        try:
            caller = peer_caller(node, peer_tokens.verify(node, token, path))
            served = log_door.answer(node, caller, path.removeprefix("/log/"))
        except ComityError as error:
            return PeerReply(problems.status_of(error), b"")
        return PeerReply(200, served.body, {"content-type": served.media_type})

    def submit(self, ministry: str, body: bytes) -> PeerReply:
        """What a node's witness answers to a bare submission, without HTTP."""
        if ministry in self.down:
            raise Unavailable("peer.unreachable", "the node is down")
        try:
            lines = add_checkpoint.accept(self.nodes[ministry], body)
        except ComityError as error:
            if error.code == "log.size":
                size = f"{error.details['size']}\n".encode()
                return PeerReply(409, size, {"content-type": add_checkpoint.SIZE_TYPE})
            return PeerReply(submitting.status_of(error), b"")
        return PeerReply(200, lines, {"content-type": "text/plain"})

    def watch(self, rounds: int = 1) -> None:
        """Rounds of watching over logs and of anchoring, at every node that is up."""
        for _ in range(rounds):
            for ministry, node in self.nodes.items():
                if ministry not in self.down:
                    self.watches.setdefault(ministry, Watch(node))()
                    anchor(node)

    def step(self, ministry: str) -> bool:
        """One round of every job of one node; returns whether anything moved."""
        node = self.nodes[ministry]
        if ministry in self.down:
            return False
        moved = checkpoints.integrate(node, "test") > 0
        for other in self.nodes:
            if other != ministry:
                try:
                    moved = deliver(node, other) or moved
                except Conflict:
                    moved = True
        moved = process_inbox(node, self.pool) or moved
        moved = fill_gaps(node) or moved
        return fetch_exhibits(node) or moved

    def settle(self, rounds: int = 400) -> None:
        """Run all jobs until nothing moves; the clock jumps over back-off waits.

        A node that found nothing to do, and has written and asked nothing, has nothing to do until
        something is written there; where anything was ever refused, every node is asked once more.
        """
        quiet, resting = 0, dict[str, int]()
        for _ in range(rounds):
            moved = [self._step_unless_at_rest(ministry, resting) for ministry in self.nodes]
            quiet = 0 if any(moved) else quiet + 1
            at_rest = resting.keys() == self.nodes.keys() and not self._has_waits()
            if quiet >= (1 if at_rest else QUIET_ROUNDS):
                return
            if quiet:
                resting.clear()
            self.clock.sleep(0.3)
        raise AssertionError("the federation does not come to rest")

    def _has_waits(self) -> bool:
        """Whether a node may wait for an instant: its network failed it, or is another than ours."""
        wires = [node.transport for node in self]
        return not all(type(wire) is Wire and not wire.refused for wire in wires)

    def _step_unless_at_rest(self, ministry: str, resting: dict[str, int]) -> bool:
        """One round of a node's jobs; `resting` is how often was written to nodes at rest."""
        node = self.nodes[ministry]
        before = _WRITTEN[node.db.url], _asked(node)
        if resting.pop(ministry, None) == before[0]:
            resting[ministry] = before[0]
            return False
        moved = self.step(ministry)
        if not moved and before[1] is not None and before == (_WRITTEN[node.db.url], _asked(node)):
            resting[ministry] = before[0]
        return moved

    def restart(self, ministry: str, db: Database | None = None) -> None:
        """Begin again as a new process would: nothing is left but the database and the store."""
        node = self.nodes[ministry]
        node.db.close()
        self.nodes[ministry] = replace(
            node,
            db=db or Database(node.db.url),
            store=FolderStore(self.homes[ministry] / "store"),
        )

    def close(self) -> None:
        for node in self.nodes.values():
            node.db.close()
        self.pool.shutdown()
