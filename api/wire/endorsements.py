"""Officers' own signatures on statements.

Owns what each officer signs (PROTOCOL §3) and the check that a statement carries exactly the
signatures its `by` names, each true: the preparer over JCS ``{type, to?, thread?, body}``, the
approver over the payload; as a JWS (``typ`` comity-officer) or as a WebAuthn assertion whose
challenge is the SHA-256 of those bytes (WebAuthn Level 3 §7.2). Officer keys are in no membership:
the ministry's seal vouches that a key is the officer's. Which origin and relying party a passkey
was used with is checked by that ministry's node before it seals (``wire/passkeys.py``).

Refusal codes: ``endorsement.missing``, ``endorsement.unexpected``, ``endorsement.form``,
``endorsement.kid-mismatch``, ``endorsement.false``.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from api.wire import canonical, ecdsa, encoding, keys
from api.wire.canonical import Json
from api.wire.envelope import (
    APPROVED,
    JWS,
    OFFICER,
    PREPARED,
    RECORDED,
    WEBAUTHN,
    Endorsement,
    Envelope,
    protected_header,
    signing_input,
)
from api.wire.errors import WireError
from api.wire.statements import Officer, Statement

CLIENT_DATA_LIMIT: Final = 4096
"""Most bytes of clientDataJSON."""

_FLAGS_AT: Final = 32
_SMALLEST_AUTHENTICATOR_DATA: Final = 37  # rpIdHash 32, flags 1, signCount 4 (WebAuthn §6.1)
_PRESENT_AND_VERIFIED: Final = 0x05  # UP and UV


@dataclass(frozen=True, slots=True)
class EndorsedPart:
    """What stands behind one officer's name: their own signature, or the ministry's word."""

    part: str
    officer: Officer
    signed: bool


def possession_bytes(ministry: str, iss: str, sub: str, challenge: str) -> bytes:
    """Return what a new key signs to show that it is in the officer's hands, as JCS.

    The type is none of a statement's, so that the signature never endorses one; the account binds
    it to the person who signed in.
    """
    return canonical.canonical(
        {
            "comity": "1",
            "type": "key-possession/1",
            "ministry": ministry,
            "iss": iss,
            "sub": sub,
            "challenge": challenge,
        }
    )


def officer_input(jwk: keys.Jwk, data: bytes) -> bytes:
    """Return the bytes an officer's key signs for `data` in form jws."""
    header = protected_header(keys.algorithm(jwk), keys.thumbprint(jwk), OFFICER)
    return signing_input(header, encoding.b64u_encode(data))


def jws_endorsement(part: str, jwk: keys.Jwk, signature: bytes) -> Endorsement:
    """Make an endorsement from an officer's raw JWS signature, in its one accepted half.

    Raises:
        WireError: ``signature.malformed``, ``key.malformed``.
    """
    alg = keys.algorithm(jwk)
    header = protected_header(alg, keys.thumbprint(jwk), OFFICER)
    return Endorsement(part, JWS, jwk, ecdsa.normalise(alg, signature), protected=header)


def webauthn_endorsement(
    part: str, jwk: keys.Jwk, signature: bytes, authenticator_data: bytes, client_data: bytes
) -> Endorsement:
    """Make an endorsement from a passkey's assertion; `signature` is DER.

    Raises:
        WireError: ``signature.malformed``, ``key.malformed``.
    """
    alg = keys.algorithm(jwk)
    der = ecdsa.normalise_der(alg, signature)
    return Endorsement(
        part, WEBAUTHN, jwk, der, authenticator_data=authenticator_data, client_data=client_data
    )


def check_endorsements(statement: Statement, envelope: Envelope) -> list[EndorsedPart]:
    """Check every endorsement of a sealed statement.

    Args:
        statement: Parsed from ``envelope.payload``.
        envelope: Parsed; its seal is checked elsewhere.

    Returns:
        One entry for each officer named in `by`, in the order prepared, approved; empty for a
        disposition.

    Raises:
        WireError: ``endorsement.*``, see the module docstring.
    """
    return check_statement(statement, envelope.endorsements)


def check_statement(
    statement: Statement, endorsements: Sequence[Endorsement]
) -> list[EndorsedPart]:
    """Check the endorsements of a statement that is about to be sealed, or has been.

    Raises:
        WireError: ``endorsement.*``, see the module docstring.
    """
    return check_parts(
        _named_part(statement),
        {PREPARED: statement.prepared, APPROVED: statement.payload},
        endorsements,
    )


def check_parts(
    named: Mapping[str, Officer], signed: Mapping[str, bytes], endorsements: Sequence[Endorsement]
) -> list[EndorsedPart]:
    """Check endorsements against officers; the rule behind statements and drafts.

    Args:
        named: Officer of each part.
        signed: Bytes each part's officer signs.
        endorsements: As carried.

    Raises:
        WireError: ``endorsement.*``.
    """
    carried = {endorsement.part: endorsement for endorsement in endorsements}
    expected = {part for part, officer in named.items() if officer.form != RECORDED}
    if len(carried) != len(endorsements) or set(carried) - expected:
        raise WireError("endorsement.unexpected", "Carry only the signatures that `by` names.")
    if expected - set(carried):
        raise WireError("endorsement.missing", "Carry every signature that `by` names.")
    for part in sorted(expected):
        check_endorsement(named[part], carried[part], signed[part])
    return [
        EndorsedPart(part, named[part], part in carried)
        for part in (PREPARED, APPROVED)
        if part in named
    ]


def check_endorsement(officer: Officer, endorsement: Endorsement, data: bytes) -> None:
    """Check one officer's signature over `data`.

    Raises:
        WireError: ``endorsement.form``, ``endorsement.kid-mismatch``, ``endorsement.false``.
    """
    if endorsement.form != officer.form:
        raise WireError("endorsement.form", "Sign in the form that `by` names.")
    if keys.thumbprint(endorsement.jwk) != officer.kid:
        raise WireError("endorsement.kid-mismatch", "Sign with the key that `by` names.")
    try:
        if endorsement.form == JWS:
            _check_jws(endorsement, data)
        else:
            _check_webauthn(endorsement, data)
    except WireError:
        raise WireError(
            "endorsement.false", "The officer's signature does not fit this statement."
        ) from None


def _named_part(statement: Statement) -> dict[str, Officer]:
    if statement.by is None:
        return {}
    named = {PREPARED: statement.by.prepared}
    if statement.by.approved is not None:
        named[APPROVED] = statement.by.approved
    return named


def _check_jws(endorsement: Endorsement, data: bytes) -> None:
    alg = keys.algorithm(endorsement.jwk)
    header = protected_header(alg, keys.thumbprint(endorsement.jwk), OFFICER)
    if header != endorsement.protected:
        raise _false()
    signed = signing_input(header, encoding.b64u_encode(data))
    keys.verify_signature(endorsement.jwk, endorsement.signature, signed)


def _check_webauthn(endorsement: Endorsement, data: bytes) -> None:
    """Check an assertion over ``authenticatorData || SHA-256(clientDataJSON)``."""
    client: Json = canonical.parse(endorsement.client_data, limit=CLIENT_DATA_LIMIT)
    challenge = encoding.b64u_encode(hashlib.sha256(data).digest())
    if (
        not isinstance(client, dict)
        or client.get("type") != "webauthn.get"
        or client.get("challenge") != challenge
        or client.get("crossOrigin", False) is not False
    ):
        raise _false()
    authenticator = endorsement.authenticator_data
    if (
        len(authenticator) < _SMALLEST_AUTHENTICATOR_DATA
        or authenticator[_FLAGS_AT] & _PRESENT_AND_VERIFIED != _PRESENT_AND_VERIFIED
    ):
        raise _false()
    alg = keys.algorithm(endorsement.jwk)
    signed = authenticator + hashlib.sha256(endorsement.client_data).digest()
    raw = ecdsa.raw_from_der(alg, endorsement.signature)
    if ecdsa.to_der(alg, raw) != endorsement.signature:
        raise _false()
    keys.verify_signature(endorsement.jwk, raw, signed)


def _false() -> WireError:
    return WireError("endorsement.false", "The signature does not fit.")
