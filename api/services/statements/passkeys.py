"""Where passkeys may be used, and that each use is newer than the last.

Owns the check that every endorsement by passkey passes before this ministry seals anything over it:
made at an address, and for the relying party, that two administrators set, with a counter that did
not fall. A falling counter means that somebody has a copy of the key (WebAuthn Level 3 §6.1.1): the
use is refused and recorded. Enrolment is in ``desk/officer_keys.py``.
"""

import hashlib

from api.domain.errors import Conflict, Refused
from api.domain.events import Act, Subject
from api.records import passkeys as records
from api.records.passkeys import PASSKEYS, RelyingParty
from api.records.unit_of_work import Unit
from api.services import recording
from api.services.authorising import Caller
from api.services.node import Node
from api.wire.envelope import WEBAUTHN, Endorsement
from api.wire.keys import thumbprint
from api.wire.passkeys import Used, used


def relying_party(node: Node) -> RelyingParty:
    """Return the relying party in force.

    Raises:
        Conflict: ``passkey.no-relying-party``.
    """
    found = node.db.read(records.active_party)
    if found is None:
        raise Conflict(
            "passkey.no-relying-party",
            "Two administrators must first set where passkeys are used: comity relying-party.",
        )
    return found


def require_own_site(node: Node, caller: Caller, proof: Endorsement | None) -> None:
    """Refuse a passkey that was used elsewhere or is older than its last use; keep its counter.

    For an endorsement in another form, and for none, nothing is asked. Call it when the policy has
    allowed the act and the signature was found true, before anything is sealed.

    Raises:
        WireError: ``passkey.assertion``.
        Refused: ``passkey.foreign-site``, ``passkey.counter``, ``key.not-enrolled``.
        Conflict: ``passkey.no-relying-party``.
    """
    if proof is None or proof.form != WEBAUTHN:
        return
    party, seen, kid = relying_party(node), used(proof), thumbprint(proof.jwk)
    expected = hashlib.sha256(party.rp_id.encode()).digest()
    if seen.origin not in party.origins.split() or seen.rp_id_hash != expected:
        _refuse(node, caller, kid, _foreign())
    refusal = node.db.write(lambda unit: _keep(node, unit, caller, kid, seen))
    if refusal is not None:
        _refuse(node, caller, kid, refusal)


def _keep(node: Node, unit: Unit, caller: Caller, kid: str, seen: Used) -> Refused | None:
    known = records.by_kid(unit.connection, kid)
    if known is None:
        return Refused(
            "key.not-enrolled",
            "This signing key is not enrolled to you here: enrol it and have it approved.",
        )
    if (seen.count or known.count) and seen.count <= known.count:
        return Refused(
            "passkey.counter",
            "This passkey's counter did not rise: somebody may have a copy of it. Have the key "
            "revoked and enrol a new one.",
        )
    values = {"count": seen.count, "used_at": node.now()}
    if unit.update(PASSKEYS, {"kid": kid}, values, expect={"count": known.count}) is None:
        return Refused("passkey.counter", "This passkey was used at the same moment; sign again.")
    entry = recording.Entry(
        act=Act.KEY_USED,
        subject=Subject("key", kid),
        actor=caller.actor,
        origin=caller.origin,
        request=caller.request,
    )
    recording.record(node, unit, entry)
    return None


def _refuse(node: Node, caller: Caller, kid: str, refusal: Refused) -> None:
    """Record that a passkey was not accepted, and raise."""
    entry = recording.Entry(
        act=Act.ACCESS_REFUSED,
        subject=Subject("key", kid),
        actor=caller.actor,
        origin=caller.origin,
        outcome="refused",
        code=refusal.code,
        request=caller.request,
    )
    node.db.write(lambda unit: recording.record(node, unit, entry))
    raise refusal


def _foreign() -> Refused:
    return Refused(
        "passkey.foreign-site",
        "This passkey was used at an address that is not this ministry's: sign at its own.",
    )
