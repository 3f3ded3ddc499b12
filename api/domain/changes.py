"""Changes that take two officers: what the second one is shown before deciding (DESIGN §12).

Owns the kinds of such changes, what approving each of them does, and the digest of exactly what is
shown. Statements and proposals show themselves; these are people, roles, keys, absences,
memberships, erasures, epochs, waivers and regimes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

from api.wire.canonical import canonical
from api.wire.digests import digest


class ChangeKind(StrEnum):
    """What is decided on."""

    OFFICER = "officer"
    SUSPENSION = "suspension"
    REINSTATEMENT = "reinstatement"
    GRANT = "grant"
    KEY = "key"
    DELEGATION = "delegation"
    RELYING_PARTY = "relying-party"
    MEMBERSHIP = "membership"
    ERASURE = "erasure"
    EPOCH = "epoch"
    WAIVER = "waiver"
    TAIL = "tail"
    REGIME = "regime"


EFFECTS: Final[Mapping[ChangeKind, str]] = {
    ChangeKind.OFFICER: "This person becomes an officer here; roles are granted apart.",
    ChangeKind.SUSPENSION: "The suspension stands until two administrators take it back.",
    ChangeKind.REINSTATEMENT: "The suspension ends: this officer acts again at once.",
    ChangeKind.GRANT: "This officer has the role at once.",
    ChangeKind.KEY: "What this key signs counts as signed by this officer.",
    ChangeKind.DELEGATION: "The delegate may do these acts in the other officer's place.",
    ChangeKind.RELYING_PARTY: "Passkeys are used at these addresses and nowhere else.",
    ChangeKind.MEMBERSHIP: "This node may start with this membership, and never with an older one.",
    ChangeKind.ERASURE: "The content is gone for ever here; its place stays and shows as a gap.",
    ChangeKind.EPOCH: "The old epoch ends there; what the partner never stored is sent again.",
    ChangeKind.WAIVER: "This node goes on without the member's answer about our log.",
    ChangeKind.REGIME: "This edition of the regime is what this node reads from then on.",
    ChangeKind.TAIL: "The end of our log that no member holds is given up for ever.",
}
"""What happens once the second officer approves."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of what is shown: a stable name, and the value in words."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Change:
    """What the second officer is shown.

    Attributes:
        kind: what is decided on.
        id: of the record.
        digest: of exactly the facts; an approval rests on a look at it.
        effect: what happens once it is approved.
        facts: what is proposed, in words.
    """

    kind: ChangeKind
    id: str
    digest: str
    effect: str
    facts: tuple[Fact, ...]

    @classmethod
    def of(cls, kind: ChangeKind, id_: str, facts: Mapping[str, str | None], own: str = "") -> Self:
        """Return a change with its effect; facts without a value are left out.

        Args:
            kind: what is decided on.
            id_: of the record.
            facts: values by their names, in the order in which they are shown.
            own: digest of an object that has one; else that of the facts is taken.
        """
        shown = {name: value for name, value in facts.items() if value}
        whole = {"kind": kind.value, "id": id_, "facts": shown}
        return cls(
            kind=kind,
            id=id_,
            digest=own or digest(canonical(whole)),
            effect=EFFECTS[kind],
            facts=tuple(Fact(name, value) for name, value in shown.items()),
        )
