"""Passkeys as the ministry sees them: a new one in its owner's hands, and where one was used.

Owns the reading of WebAuthn registrations and assertions (WebAuthn Level 3 §6.1, §7.1); both by the
``webauthn`` library. Whether an assertion's signature fits a statement is checked in
``wire/endorsements.py``, which verifiers use without knowing any ministry's addresses.

The library is imported where a passkey is at hand: it brings readers of every attestation format,
an eighth of what a starting node would load.

Refusal codes: ``passkey.registration``, ``passkey.assertion``.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cryptography.hazmat.primitives.asymmetric import ec

from api.wire import encoding, keys
from api.wire.endorsements import CLIENT_DATA_LIMIT
from api.wire.envelope import Endorsement
from api.wire.errors import WireError

if TYPE_CHECKING:
    from webauthn.helpers.cose import COSEAlgorithmIdentifier

_LONGEST_REGISTRATION: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Registered:
    """A new passkey whose owner showed that it is in their hands.

    Attributes:
        jwk: its public key.
        credential: its id at the authenticator, base64url.
        count: its signature counter.
    """

    jwk: dict[str, str]
    credential: str
    count: int


@dataclass(frozen=True, slots=True)
class Used:
    """Where and for how many times a passkey was used.

    Attributes:
        origin: web address that the browser stated.
        rp_id_hash: SHA-256 of the domain that the authenticator was asked for.
        count: its signature counter; 0 for authenticators that do not count.
    """

    origin: str
    rp_id_hash: bytes
    count: int


def registration_options(
    *, rp_id: str, rp_name: str, user: str, name: str, challenge: bytes
) -> dict[str, Any]:
    """Return ``PublicKeyCredentialCreationOptions`` as JSON members (WebAuthn Level 3 §5.4).

    Args:
        rp_id: the ministry's relying-party id.
        rp_name: the ministry, for people.
        user: officer record id; the handle by which an authenticator keeps the credential apart.
        name: the officer's account, for people.
        challenge: what the node asks to be signed.
    """
    from webauthn import generate_registration_options, options_to_json
    from webauthn.helpers.structs import (
        AuthenticatorSelectionCriteria,
        ResidentKeyRequirement,
        UserVerificationRequirement,
    )

    options = generate_registration_options(
        rp_id=rp_id,
        rp_name=rp_name,
        user_name=name,
        user_id=bytes.fromhex(user),
        challenge=challenge,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        supported_pub_key_algs=_algorithms(),
    )
    members: dict[str, Any] = json.loads(options_to_json(options))
    return members


def check_registration(
    credential: Mapping[str, Any], *, challenge: bytes, rp_id: str, origins: Sequence[str]
) -> Registered:
    """Check a ``RegistrationResponseJSON`` against challenge, relying party and addresses.

    Raises:
        WireError: ``passkey.registration``.
    """
    from webauthn import verify_registration_response
    from webauthn.helpers import decode_credential_public_key, decoded_public_key_to_cryptography
    from webauthn.helpers.exceptions import WebAuthnException

    if len(json.dumps(credential)) > _LONGEST_REGISTRATION:
        raise _no_registration()
    try:
        verified = verify_registration_response(
            credential=dict(credential),
            expected_challenge=challenge,
            expected_rp_id=rp_id,
            expected_origin=list(origins),
            require_user_verification=True,
            supported_pub_key_algs=_algorithms(),
        )
        public = decoded_public_key_to_cryptography(
            decode_credential_public_key(verified.credential_public_key)
        )
    # The library lets errors of its CBOR and JSON readers through.
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise _no_registration() from error
    if not isinstance(public, ec.EllipticCurvePublicKey):
        raise _no_registration()
    return Registered(
        jwk=keys.public_jwk(public),
        credential=encoding.b64u_encode(verified.credential_id),
        count=verified.sign_count,
    )


def used(endorsement: Endorsement) -> Used:
    """Return where the passkey behind an endorsement was used; its signature is checked elsewhere.

    Raises:
        WireError: ``passkey.assertion``.
    """
    from webauthn.helpers import parse_authenticator_data, parse_client_data_json
    from webauthn.helpers.exceptions import WebAuthnException

    if len(endorsement.client_data) > CLIENT_DATA_LIMIT:
        raise _no_assertion()
    try:
        client = parse_client_data_json(endorsement.client_data)
        authenticator = parse_authenticator_data(endorsement.authenticator_data)
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise _no_assertion() from error
    return Used(client.origin, authenticator.rp_id_hash, authenticator.sign_count)


def _algorithms() -> "list[COSEAlgorithmIdentifier]":
    """Return ES256 alone: what every authenticator has, and what officers' passkeys sign with."""
    from webauthn.helpers.cose import COSEAlgorithmIdentifier

    return [COSEAlgorithmIdentifier.ECDSA_SHA_256]


def _no_registration() -> WireError:
    return WireError(
        "passkey.registration",
        "This is no passkey made now, for this ministry's address, with the officer verified.",
    )


def _no_assertion() -> WireError:
    return WireError("passkey.assertion", "Sign with a passkey at this ministry's own address.")
