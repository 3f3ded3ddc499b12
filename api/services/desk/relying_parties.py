"""Where officers use passkeys: web addresses and relying-party id, set by two administrators.

Owns the table ``relying_parties`` through its records. One is in force at a time; approving another
replaces it. Passkeys made for another id are useless from then on, so officers enrol new ones.
"""

import re
from collections.abc import Sequence
from dataclasses import asdict
from typing import Final
from urllib.parse import urlsplit

from sqlalchemy import Connection

from api.domain.changes import Change, ChangeKind
from api.domain.errors import Invalid, Stale
from api.domain.events import Act, Subject
from api.ports.policy import Action
from api.records import passkeys
from api.records.passkeys import RELYING_PARTIES, RelyingParty, RelyingPartyState
from api.records.unit_of_work import Unit
from api.services import recording
from api.services.authorising import Caller, authorise, change_of, collection, entry_of, unknown
from api.services.desk.officers import name_of
from api.services.idempotency import keyed_call, made_before, write_once
from api.services.node import Node
from api.services.previews import require_change_seen, resting_on, show_change
from api.wire.canonical import Json

_DOMAIN: Final = re.compile(r"[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*")
_LOOPBACK: Final = frozenset({"localhost"})
_MOST_ORIGINS: Final = 8


def propose(node: Node, caller: Caller, rp_id: str, origins: Sequence[str]) -> RelyingParty:
    """Propose where passkeys are used; another administrator approves.

    Args:
        node: this node.
        caller: an administrator.
        rp_id: a domain, such as ``comity.example``.
        origins: addresses such as ``https://comity.example``, each on that domain or below it.

    Raises:
        Invalid: ``relying-party.id``, ``relying-party.origin``.
    """
    permit = authorise(node, caller, Action.RELYING_PARTY_PROPOSE, change_of("new"))
    content: dict[str, Json] = {"rp_id": rp_id, "origins": [*origins]}
    once = keyed_call(caller, Act.RELYING_PARTY_PROPOSED, content)
    if (known := made_before(node, once)) is not None:
        return _by_id(node, known["id"])
    _check(rp_id, origins)
    row = RelyingParty(
        id=node.entropy.identifier(),
        rp_id=rp_id,
        origins=" ".join(sorted(set(origins))),
        state=RelyingPartyState.PROPOSED,
        proposed_by=caller.person,
        proposed_at=node.now(),
    )

    def write(unit: Unit) -> None:
        unit.insert(RELYING_PARTIES, asdict(row))
        entry = entry_of(
            caller, permit, Act.RELYING_PARTY_PROPOSED, Subject("relying-party", row.id)
        )
        recording.record(node, unit, entry)

    return _by_id(node, write_once(node, once, {"id": row.id}, write)["id"])


def preview_relying_party(node: Node, caller: Caller, party_id: str) -> Change:
    """Show where passkeys would be used, and which addresses would be replaced.

    Raises:
        NotFound: ``relying-party.unknown``.
    """
    return show_change(node, caller, party_id, lambda: _placing(node, party_id))


def _placing(node: Node, party_id: str) -> Change:
    def read(connection: Connection) -> Change:
        found = passkeys.party_by_id(connection, party_id)
        if found is None:
            raise unknown("relying-party")
        old = passkeys.active_party(connection)
        facts = {
            "domain": found.rp_id,
            "addresses": ", ".join(found.origins.split()),
            "replaces": old.rp_id if old is not None and old.id != party_id else None,
            "proposed-by": name_of(connection, found.proposed_by),
        }
        return Change.of(ChangeKind.RELYING_PARTY, party_id, facts)

    return node.db.read(read)


def approve(node: Node, caller: Caller, party_id: str) -> RelyingParty:
    """Approve, as the second administrator; what was in force is replaced.

    Raises:
        NotFound: ``relying-party.unknown``.
        Refused: ``policy.own-proposal``, ``change.not-previewed``.
        Stale: ``relying-party.stale``.
    """
    found = node.db.read(lambda connection: passkeys.party_by_id(connection, party_id))
    proposer = found.proposed_by if found is not None else ""
    change = change_of(party_id, proposer=proposer)
    permit = authorise(node, caller, Action.RELYING_PARTY_APPROVE, change)
    if found is None:
        raise unknown("relying-party")
    look = require_change_seen(node, caller, _placing(node, party_id))
    decided = {"decided_by": caller.person, "decided_at": node.now()}

    def write(unit: Unit) -> None:
        unit.lock("relying party")
        old = passkeys.active_party(unit.connection)
        if old is not None:
            replaced = {"state": RelyingPartyState.REPLACED.value}
            unit.update(RELYING_PARTIES, {"id": old.id}, replaced)
        values = {"state": RelyingPartyState.ACTIVE.value, **decided}
        expect = {"state": RelyingPartyState.PROPOSED.value}
        if unit.update(RELYING_PARTIES, {"id": party_id}, values, expect=expect) is None:
            raise Stale("relying-party.stale", "This was decided meanwhile; read it again.")
        subject = Subject("relying-party", party_id)
        entry = entry_of(caller, permit, Act.RELYING_PARTY_APPROVED, subject)
        recording.record(node, unit, resting_on(entry, look))

    node.db.write(write)
    return _by_id(node, party_id)


def everything(node: Node, caller: Caller) -> list[RelyingParty]:
    """Return all relying parties, newest first, to administrators and auditors."""
    authorise(node, caller, Action.KEY_LIST, collection("keys"))
    return node.db.read(passkeys.parties)


def _check(rp_id: str, origins: Sequence[str]) -> None:
    if not _DOMAIN.fullmatch(rp_id):
        raise Invalid("relying-party.id", "Give a domain in lower case, such as comity.example.")
    if not 1 <= len(origins) <= _MOST_ORIGINS:
        raise Invalid("relying-party.origin", f"Give 1 to {_MOST_ORIGINS} addresses.")
    for origin in origins:
        parts = urlsplit(origin)
        host = parts.hostname or ""
        plain = f"{parts.scheme}://{parts.netloc}" == origin and "@" not in parts.netloc
        secure = parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)
        if not plain or not secure or not (host == rp_id or host.endswith(f".{rp_id}")):
            raise Invalid(
                "relying-party.origin",
                "Give addresses such as https://comity.example: https (http at localhost only), "
                "no path, on that domain.",
            )


def _by_id(node: Node, party_id: str) -> RelyingParty:
    found = node.db.read(lambda connection: passkeys.party_by_id(connection, party_id))
    if found is None:
        raise unknown("relying-party")
    return found
