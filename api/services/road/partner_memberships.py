"""Does every partner run with the membership that this node runs with?

Owns asking, and the judgement. The answer is not signed, and no message is judged by it: that is
the membership pinned here. It tells administrators that a partner still has to switch, or they;
and what this node signs under new keys waits for a partner whose membership is from before them,
since it would refuse that for good.
"""

from typing import Final

from api.domain.errors import ComityError, Unavailable
from api.records import memberships
from api.records.partner_memberships import PartnerMembership, keep_answer, partner_memberships
from api.services.log import peer_tokens
from api.services.node import Node
from api.wire.canonical import parse
from api.wire.errors import WireError
from api.wire.members import Members

PATH: Final = "/.well-known/comity.json"
BEHIND: Final = "peer.membership"
"""Why what waits for a partner is not sent: its membership does not list the keys of this node."""
_LONGEST: Final = 1024 * 1024
_OK: Final = 200


def ask(node: Node, peer: str) -> PartnerMembership:
    """Ask a partner's node which membership it runs with, and write the answer down.

    A partner that does not answer is written down with the code; nothing is raised for it.
    """
    try:
        serial, digest = membership_of(node, peer)
        row = PartnerMembership(peer, serial, digest, None, node.now())
    except ComityError as error:
        row = PartnerMembership(peer, None, None, error.code, node.now())
    node.db.write(lambda unit: keep_answer(unit, row))
    return row


def lacks_our_keys(node: Node, peer: str) -> str:
    """Tell whether a partner runs with a membership from before this node's present keys.

    Asks a partner of which that was known last, and no other.

    Returns:
        Why nothing can be sent to it: `BEHIND`, or the code of a call that failed; empty if it can.
    """
    known, own = node.db.read(
        lambda connection: (
            partner_memberships(connection).get(peer),
            memberships.confirmed(connection),
        )
    )
    if own is None or known is None or known.serial is None or known.serial >= own.keys_since:
        return ""
    said = ask(node, peer)
    if said.serial is None:
        return said.code or BEHIND
    return BEHIND if said.serial < own.keys_since else ""


def membership_of(node: Node, peer: str) -> tuple[int, str]:
    """Return serial and digest of the membership that a member's node says it runs with.

    Raises:
        Unavailable: ``peer.*``: it does not answer, or answers nonsense.
    """
    reply = node.transport.get(peer, PATH, token=peer_tokens.mint(node, peer, PATH), headers={})
    if reply.status != _OK:
        raise Unavailable("peer.refused", "The member's node does not answer this request.")
    try:
        found = parse(reply.body, limit=_LONGEST)
        named = found["membership"] if isinstance(found, dict) else None
        members = Members(named, "membership.malformed", ("serial", "digest"))
        return members.integer("serial", 1), members.digest("digest")
    except (WireError, KeyError) as error:
        raise Unavailable("peer.refused", "The member's node answers nonsense.") from error
