"""Passkeys between a page and the use cases: what the browser is asked, and what it answered.

Owns the options of the browser's dialogue and the reading of its answer (WebAuthn Level 3 §5.4,
§5.5). What a passkey signs is a SHA-256 (PROTOCOL §3); whether it did is checked where statements
are sealed, with everything else that is asked of a signature.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from api.domain.errors import ComityError, Invalid
from api.services.desk import officer_keys
from api.services.statements.passkeys import relying_party
from api.web.console.page import Visit
from api.wire.encoding import b64u_decode, b64u_encode
from api.wire.endorsements import webauthn_endorsement
from api.wire.errors import WireError

ANSWER: Final = "answer"
"""The field that carries the browser's answer."""

_LONGEST: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class OwnPasskey:
    """A passkey with which the officer can sign here now.

    Attributes:
        kid: of the key.
        credential: its id at the authenticator, base64url.
        jwk: its public key.
    """

    kid: str
    credential: str
    jwk: Mapping[str, str]


def usable(visit: Visit) -> list[OwnPasskey]:
    """Return the officer's passkeys for the addresses in force, newest first.

    None where no addresses are set. The newest is the likeliest to be at hand.
    """
    try:
        party = relying_party(visit.node)
    except ComityError:
        return []
    held = officer_keys.own_passkeys(visit.node, visit.caller)
    keys = {one.kid: one for one in officer_keys.own_keys(visit.node, visit.caller)}
    return [
        OwnPasskey(one.kid, one.credential, json.loads(keys[one.kid].jwk))
        for one in sorted(held, key=lambda one: keys[one.kid].proposed_at, reverse=True)
        if one.rp_id == party.rp_id
    ]


def options(visit: Visit, data: bytes, keys: Sequence[OwnPasskey]) -> str:
    """Return ``PublicKeyCredentialRequestOptions`` as JSON, for a signature over ``data``."""
    return json.dumps(
        {
            "challenge": b64u_encode(hashlib.sha256(data).digest()),
            "rpId": relying_party(visit.node).rp_id,
            "allowCredentials": [{"type": "public-key", "id": one.credential} for one in keys],
            "userVerification": "required",
        }
    )


def signature(visit: Visit, part: str) -> dict[str, Any]:
    """Return the posted answer as an officer's endorsement, not checked yet.

    Args:
        visit: whose form carries it.
        part: ``prepared`` or ``approved``.

    Raises:
        Invalid: ``passkey.answer``: it is none, or of a passkey that is not the officer's.
    """
    answer = posted(visit)
    key = next((one for one in usable(visit) if one.credential == answer.get("id")), None)
    response = answer.get("response")
    if key is None or not isinstance(response, Mapping):
        raise _unreadable()
    try:
        signed, seen, client = (
            b64u_decode(str(response[name]))
            for name in ("signature", "authenticatorData", "clientDataJSON")
        )
        return webauthn_endorsement(part, dict(key.jwk), signed, seen, client).to_json()
    except (KeyError, WireError):
        raise _unreadable() from None


def posted(visit: Visit) -> dict[str, Any]:
    """Return the browser's answer as JSON members.

    Raises:
        Invalid: ``passkey.answer``.
    """
    text = visit.form.one(ANSWER)
    if not 0 < len(text) <= _LONGEST:
        raise _unreadable()
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        raise _unreadable() from None
    if not isinstance(answer, dict):
        raise _unreadable()
    return answer


def _unreadable() -> Invalid:
    return Invalid("passkey.answer", "No passkey of yours answered: open the page again and sign.")
