"""The node: everything a use case needs, in one frozen bundle built by ``bootstrap``.

Owns no behaviour beyond small look-ups; a use case takes the node first and the caller second.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from api.domain.four_eyes import FourEyes
from api.domain.lists.announcements import Announcement
from api.domain.quotas import Allowance, Quotas
from api.domain.regimes.advice import Regime
from api.domain.regimes.clocks import SittingCalendar
from api.ports.head_memory import HeadMemory
from api.ports.peers import PeerTransport
from api.ports.policy import Decider
from api.ports.signer import Signer
from api.ports.store import ExhibitStore
from api.ports.system import Clock, Entropy
from api.records.database import Database
from api.services.law import Law
from api.services.standings import Standings
from api.wire.encoding import format_instant
from api.wire.membership import Member, Membership


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what one node does at once; times are seconds.

    Attributes:
        batch: statements in one message (PROTOCOL §7 allows 64).
        held_messages: early messages kept for one peer before more are refused.
        in_flight: messages to one peer that may lack a receipt before composing pauses.
        retry_base: first wait after a failed delivery.
        retry_cap: longest wait between deliveries.
        retry_refusals: refusals in a row after which a message is shown as a dead letter.
        confirm_warning: how long before its end a confirmation is shown as due.
        quorum: partners that must have cosigned a head before it counts as public; at most all.
        anchor_every: how often partners' heads are anchored in the own log.
        watch_every: how often partners' views of third logs are compared.
        cursor_secret: key of the page cursors' signature; random at each start of a node's life.
    """

    batch: int = 64
    held_messages: int = 256
    in_flight: int = 32
    retry_base: float = 0.5
    retry_cap: float = 60.0
    retry_refusals: int = 20
    quorum: int = 1
    anchor_every: float = 3600.0
    watch_every: float = 5.0
    cursor_secret: bytes = b""


@dataclass(frozen=True, slots=True)
class Node:
    """One ministry's installation."""

    ministry: str
    db: Database
    signer: Signer
    decider: Decider
    four_eyes: FourEyes
    store: ExhibitStore
    transport: PeerTransport
    clock: Clock
    entropy: Entropy
    membership: Membership
    memory: HeadMemory
    software: str
    law: Law = field(default_factory=Law)
    calendars: Mapping[str, SittingCalendar] = field(default_factory=dict)
    announcements: Mapping[str, tuple[Announcement, ...]] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    quotas: Quotas = field(default_factory=Quotas)
    standings: Standings = field(default_factory=Standings)

    @property
    def regimes(self) -> Mapping[str, Regime]:
        """The legal regimes in force here, by id."""
        return self.law.regimes(self.db, self.standings.seen)

    @property
    def regime_documents(self) -> Mapping[str, Any]:
        """The documents that the regimes in force were read from, by regime."""
        return self.law.documents(self.db, self.standings.seen)

    @property
    def me(self) -> Member:
        """This ministry's entry in the membership."""
        return self.membership.member(self.ministry)

    def others(self) -> list[str]:
        """Return the ids of the other members, in their order."""
        return [member.id for member in self.membership.members if member.id != self.ministry]

    def charge(self, peer: str, what: Allowance, amount: float = 1) -> None:
        """Use some of what a partner may ask of this node.

        Raises:
            TooMany: ``peer.quota``.
        """
        self.quotas.take(peer, what, self.clock.now().timestamp(), amount)

    def now(self) -> str:
        """Return the node's clock as RFC 3339 UTC with milliseconds."""
        return format_instant(self.clock.now())
