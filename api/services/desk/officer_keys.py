"""Officers' signing keys: asked for with proof of possession, then enrolled by two administrators.

Owns the tables ``officer_keys``, ``passkeys`` and ``key_challenges`` through their records. A key
is asked for in two steps, so that nobody occupies a colleague's public key:

1. :func:`challenge` gives the caller 32 random bytes that are good for ten minutes, once, and for
   passkeys the options that a browser needs.
2. :func:`request_key` takes the new key's answer: in form ``jws`` a signature over
   :func:`possession_bytes`, in form ``webauthn`` the browser's ``RegistrationResponseJSON``.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, Final, Literal

from sqlalchemy import Connection

from api.domain.changes import Change, ChangeKind
from api.domain.errors import Conflict, Invalid, Stale
from api.domain.events import Act, Subject
from api.domain.notation import Instant
from api.ports.policy import Action
from api.records import officers, passkeys
from api.records.officers import KeyState, OfficerKey
from api.records.passkeys import KEY_CHALLENGES, PASSKEYS, KeyChallenge, Passkey
from api.records.unit_of_work import Taken, Unit
from api.services import recording
from api.services.authorising import Caller, authorise, change_of, collection, entry_of, unknown
from api.services.desk.officers import name_of
from api.services.idempotency import keyed_call, made_before, write_once
from api.services.node import Node
from api.services.previews import require_change_seen, resting_on, show_change
from api.services.statements.passkeys import relying_party
from api.wire.canonical import Json
from api.wire.encoding import b64u_decode, b64u_encode, format_instant
from api.wire.endorsements import jws_endorsement, officer_input, possession_bytes
from api.wire.envelope import JWS, PREPARED, WEBAUTHN
from api.wire.errors import WireError
from api.wire.keys import algorithm, thumbprint, verify_signature
from api.wire.passkeys import Registered, check_registration, registration_options

LIFE: Final = timedelta(minutes=10)
"""How long a challenge can be answered."""

_CHALLENGE_BYTES: Final = 32
_ALGORITHMS: Final = frozenset({"ES256", "ES384"})


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a new key must sign.

    Attributes:
        challenge: 32 random bytes, base64url.
        expires_at: RFC 3339 UTC.
        options: form ``webauthn``: ``PublicKeyCredentialCreationOptions`` as JSON.
    """

    challenge: str
    expires_at: Instant
    options: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that its owner asks to be enrolled.

    Attributes:
        form: ``jws`` or ``webauthn``.
        challenge: as given by :func:`challenge`.
        jwk: form ``jws``: the public key.
        signature: form ``jws``: the new key's signature over :func:`possession_bytes`, base64url.
        credential: form ``webauthn``: the browser's ``RegistrationResponseJSON``.
    """

    form: Literal["jws", "webauthn"]
    challenge: str
    jwk: Mapping[str, str] | None = None
    signature: str | None = None
    credential: Mapping[str, Any] | None = None


def challenge(node: Node, caller: Caller, form: str) -> Challenge:
    """Return a fresh challenge for a new key of the caller.

    Raises:
        Invalid: ``key.form``.
        Conflict: ``passkey.no-relying-party``.
    """
    authorise(node, caller, Action.KEY_REQUEST, change_of("new", subject=caller.person))
    _require_form(form)
    text = b64u_encode(node.entropy.token(_CHALLENGE_BYTES))
    expires = format_instant(node.clock.now() + LIFE)
    made = Challenge(text, expires)
    if form == WEBAUTHN:
        options = registration_options(
            rp_id=relying_party(node).rp_id,
            rp_name=node.me.name,
            user=caller.person,
            name=caller.name or caller.sub,
            challenge=b64u_decode(text),
        )
        made = Challenge(text, expires, options=options)

    def write(unit: Unit) -> None:
        for old in passkeys.expired_challenges(unit.connection, node.now()):
            unit.delete(KEY_CHALLENGES, {"challenge": old})
        unit.insert(KEY_CHALLENGES, asdict(KeyChallenge(text, caller.person, expires)))

    node.db.write(write)
    return made


def request_key(node: Node, caller: Caller, new: NewKey) -> OfficerKey:
    """Ask for a signing key of one's own to be enrolled; two administrators then decide.

    Raises:
        Invalid: ``key.form``, ``key.challenge``: unknown, answered already, too old or another's.
        WireError: ``key.malformed``, ``key.algorithm``, ``key.possession``,
            ``passkey.registration``.
        Conflict: ``key.enrolled``, ``passkey.no-relying-party``.
    """
    change = change_of("new", subject=caller.person)
    permit = authorise(node, caller, Action.KEY_REQUEST, change)
    content: dict[str, Json] = {
        "form": new.form,
        "challenge": new.challenge,
        "jwk": None if new.jwk is None else dict(new.jwk),
    }
    once = keyed_call(caller, Act.KEY_REQUESTED, content)
    if (known := made_before(node, once)) is not None:
        return _by_kid(node, known["id"])
    _require_form(new.form)
    node.db.read(lambda connection: _open_challenge(node, connection, caller, new.challenge))
    jwk, registered = _possessed(node, caller, new)
    row = OfficerKey(
        kid=thumbprint(jwk),
        officer=caller.person,
        form=new.form,
        jwk=json.dumps(jwk, sort_keys=True),
        state=KeyState.REQUESTED,
        proposed_by=caller.person,
        proposed_at=node.now(),
    )

    def write(unit: Unit) -> None:
        _open_challenge(node, unit.connection, caller, new.challenge)
        unit.delete(KEY_CHALLENGES, {"challenge": new.challenge})
        unit.insert(officers.OFFICER_KEYS, asdict(row))
        if registered is not None:
            unit.insert(PASSKEYS, asdict(_passkey(node, row.kid, registered)))
        subject = Subject("key", row.kid)
        recording.record(node, unit, entry_of(caller, permit, Act.KEY_REQUESTED, subject))

    try:
        made = write_once(node, once, {"id": row.kid}, write)
    except Taken as error:
        raise Conflict("key.enrolled", "This key is enrolled or requested already.") from error
    return _by_kid(node, made["id"])


def propose_key(node: Node, caller: Caller, kid: str) -> OfficerKey:
    """Vouch, as the first administrator, for a requested key."""
    key = _find(node, kid)
    change = change_of(kid, subject=key.officer if key is not None else "")
    permit = authorise(node, caller, Action.KEY_PROPOSE, change)
    values = {
        "state": KeyState.PROPOSED.value,
        "proposed_by": caller.person,
        "proposed_at": node.now(),
    }
    entry = entry_of(caller, permit, Act.KEY_PROPOSED, Subject("key", kid))
    return _decide(node, key, values, KeyState.REQUESTED, entry)


def preview_key(node: Node, caller: Caller, kid: str) -> Change:
    """Show whose key waits, in which form, and under which id to compare it with its owner.

    Raises:
        NotFound: ``key.unknown``.
    """
    return show_change(node, caller, kid, lambda: _enrolling(node, kid))


def _enrolling(node: Node, kid: str) -> Change:
    def read(connection: Connection) -> Change:
        key = officers.key_by_kid(connection, kid)
        if key is None:
            raise unknown("key")
        facts = {
            "person": name_of(connection, key.officer),
            "holds": ", ".join(sorted(officers.roles_held(connection, key.officer))),
            "key": kid,
            "form": key.form,
            "proposed-by": name_of(connection, key.proposed_by),
        }
        return Change.of(ChangeKind.KEY, kid, facts)

    return node.db.read(read)


def approve_key(node: Node, caller: Caller, kid: str) -> OfficerKey:
    """Approve, as the second administrator, a key that the first vouched for.

    Raises:
        NotFound: ``key.unknown``.
        Refused: ``policy.own-proposal``, ``change.not-previewed``.
        Stale: ``key.stale``.
    """
    key = _find(node, kid)
    change = change_of(kid)
    if key is not None:
        change = change_of(kid, subject=key.officer, proposer=key.proposed_by)
    permit = authorise(node, caller, Action.KEY_APPROVE, change)
    if key is None:
        raise unknown("key")
    look = require_change_seen(node, caller, _enrolling(node, kid))
    entry = resting_on(entry_of(caller, permit, Act.KEY_APPROVED, Subject("key", kid)), look)
    values = _decided(node, caller, KeyState.ACTIVE)
    return _decide(node, key, values, KeyState.PROPOSED, entry)


def revoke_key(node: Node, caller: Caller, kid: str) -> OfficerKey:
    """Stop accepting a key at once; what it signed before stands."""
    key = _find(node, kid)
    change = change_of(kid, subject=key.officer if key is not None else "")
    permit = authorise(node, caller, Action.KEY_REVOKE, change)
    if key is not None and key.state is KeyState.REVOKED:
        raise Conflict("key.revoked", "This key was revoked already.")
    entry = entry_of(caller, permit, Act.KEY_REVOKED, Subject("key", kid))
    values = _decided(node, caller, KeyState.REVOKED)
    return _decide(node, key, values, key.state if key is not None else None, entry)


def all_keys(node: Node, caller: Caller) -> list[OfficerKey]:
    """Return the keys of all officers, for administrators and auditors."""
    authorise(node, caller, Action.KEY_LIST, collection("keys"))
    return node.db.read(officers.keys)


def own_keys(node: Node, caller: Caller) -> list[OfficerKey]:
    """Return the caller's keys in every state."""
    authorise(node, caller, Action.ME_READ, collection("me"))
    return node.db.read(lambda connection: officers.keys(connection, caller.person))


def own_passkeys(node: Node, caller: Caller) -> list[Passkey]:
    """Return the caller's passkeys that can sign, for a browser that is to find one of them."""
    authorise(node, caller, Action.ME_READ, collection("me"))
    kids = sorted(caller.principal.key_kids)

    def read(connection: Connection) -> list[Passkey]:
        found = (passkeys.by_kid(connection, kid) for kid in kids)
        return [each for each in found if each is not None]

    return node.db.read(read)


def _require_form(form: str) -> None:
    if form not in {JWS, WEBAUTHN}:
        raise Invalid("key.form", "Enrol a key in form jws or webauthn.")


def _open_challenge(node: Node, connection: Connection, caller: Caller, text: str) -> None:
    found = passkeys.challenge(connection, text)
    if found is None or found.officer != caller.person or found.expires_at <= node.now():
        raise Invalid(
            "key.challenge", "This challenge is not open to you: ask for a new one and sign it."
        )


def _possessed(node: Node, caller: Caller, new: NewKey) -> tuple[dict[str, str], Registered | None]:
    """Return the public key whose owner answered the challenge with it."""
    if new.form == WEBAUTHN:
        if new.credential is None:
            raise Invalid("key.form", "Send the browser's answer as credential.")
        party = relying_party(node)
        registered = check_registration(
            new.credential,
            challenge=b64u_decode(new.challenge),
            rp_id=party.rp_id,
            origins=party.origins.split(),
        )
        return registered.jwk, registered
    if new.jwk is None or new.signature is None:
        raise Invalid("key.form", "Send jwk and the new key's signature.")
    jwk = dict(new.jwk)
    if algorithm(jwk) not in _ALGORITHMS:
        raise WireError("key.algorithm", "Officers sign with ES384 or ES256.")
    signs = possession_bytes(node.ministry, caller.iss, caller.sub, new.challenge)
    try:
        proof = jws_endorsement(PREPARED, jwk, b64u_decode(new.signature))
        verify_signature(jwk, proof.signature, officer_input(jwk, signs))
    except WireError as error:
        raise WireError(
            "key.possession", "Sign the challenge with the new key itself, in form jws."
        ) from error
    return jwk, None


def _passkey(node: Node, kid: str, registered: Registered) -> Passkey:
    return Passkey(
        kid, registered.credential, relying_party(node).rp_id, registered.count, node.now()
    )


def _decided(node: Node, caller: Caller, state: KeyState) -> dict[str, str]:
    return {"state": state.value, "decided_by": caller.person, "decided_at": node.now()}


def _decide(
    node: Node,
    key: OfficerKey | None,
    values: Mapping[str, str],
    expected: KeyState | None,
    entry: recording.Entry,
) -> OfficerKey:
    """Move a key from the expected state, with its event.

    Raises:
        NotFound: ``key.unknown``: said only to those who may decide.
        Stale: ``key.stale``.
    """
    if key is None or expected is None:
        raise unknown("key")

    def write(unit: Unit) -> None:
        expect = {"state": expected.value}
        if unit.update(officers.OFFICER_KEYS, {"kid": key.kid}, values, expect=expect) is None:
            raise Stale("key.stale", "This was decided meanwhile; read it again.")
        recording.record(node, unit, entry)

    node.db.write(write)
    return _by_kid(node, key.kid)


def _find(node: Node, kid: str) -> OfficerKey | None:
    return node.db.read(lambda connection: officers.key_by_kid(connection, kid))


def _by_kid(node: Node, kid: str) -> OfficerKey:
    found = _find(node, kid)
    if found is None:
        raise unknown("key")
    return found
