"""Officers' own signatures on what they prepare and approve.

Owns the link between an enrolled key and the person who signed in; keeps nothing.
"""

from collections.abc import Mapping
from typing import Any

from api.domain.errors import Refused
from api.services.authorising import Caller
from api.wire.endorsements import check_endorsement
from api.wire.envelope import PREPARED, RECORDED, Endorsement
from api.wire.keys import thumbprint
from api.wire.statements import Content, Officer, prepared_bytes


def officer(caller: Caller, roles: frozenset[str], form: str, kid: str | None) -> Officer:
    """Return how a statement names the caller, in the first of its roles that the table allows."""
    fitting = sorted(caller.roles & roles) or sorted(caller.roles) or ["none"]
    return Officer(caller.iss, caller.sub, fitting[0], form, kid)


def preparer(
    caller: Caller,
    content: Content,
    roles: frozenset[str],
    endorsement: Mapping[str, Any] | None,
) -> tuple[Officer, Endorsement | None]:
    """Return the preparer and their checked signature (``None`` for the recorded form).

    Raises:
        WireError: ``endorsement.*``.
        Refused: ``key.not-enrolled``.
    """
    named, proof = claimed(caller, roles, endorsement)
    if proof is not None:
        signed = prepared_bytes(content.type, content.to, content.thread, content.body)
        check_endorsement(named, proof, signed)
    return named, proof


def claimed(
    caller: Caller, roles: frozenset[str], endorsement: Mapping[str, Any] | None
) -> tuple[Officer, Endorsement | None]:
    """Return the preparer and their signature, not checked yet: sealing checks it.

    Raises:
        WireError: ``endorsement.*``, ``key.malformed``.
        Refused: ``key.not-enrolled``.
    """
    if endorsement is None:
        return officer(caller, roles, RECORDED, None), None
    proof = Endorsement.from_json({**endorsement, "part": PREPARED})
    kid = thumbprint(proof.jwk)
    require_own_key(caller, kid)
    return officer(caller, roles, proof.form, kid), proof


def form_of(endorsement: Mapping[str, Any] | None) -> str:
    """Return the form in which a caller says to sign; the recorded one without a signature."""
    form = endorsement.get("form") if endorsement is not None else None
    return form if isinstance(form, str) else RECORDED


def require_own_key(caller: Caller, kid: str) -> None:
    """Refuse a key that is not enrolled to the person who signed in.

    Raises:
        Refused: ``key.not-enrolled``.
    """
    if kid not in caller.principal.key_kids:
        raise Refused(
            "key.not-enrolled",
            "This signing key is not enrolled to you here: enrol it and have it approved.",
        )
