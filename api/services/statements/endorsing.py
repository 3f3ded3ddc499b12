"""Officers' own signatures on what they prepare and approve.

Owns the link between an enrolled key and the person who signed in; keeps nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from api.domain.errors import Invalid, Refused
from api.services.authorising import Caller
from api.services.node import Node
from api.wire.encoding import b64u_decode, b64u_encode
from api.wire.endorsements import check_endorsement
from api.wire.envelope import PREPARED, RECORDED, Endorsement
from api.wire.errors import WireError
from api.wire.keys import thumbprint
from api.wire.statements import NONCE_BYTES, Content, Officer, local_bytes, prepared_bytes


def officer(caller: Caller, roles: frozenset[str], form: str, kid: str | None) -> Officer:
    """Return how a statement names the caller, in the first of its roles that the table allows."""
    fitting = sorted(caller.roles & roles) or sorted(caller.roles) or ["none"]
    return Officer(caller.iss, caller.sub, fitting[0], form, kid)


@dataclass(frozen=True, slots=True)
class Preparation:
    """Who prepared a content, and what they signed.

    Attributes:
        officer: how the statement will name them.
        nonce: of the draft and of the statement that it becomes.
        proof: their own signature; ``None`` for the recorded form.
        content: what is prepared.
        issuer: the ministry that will seal it.
    """

    officer: Officer
    nonce: str
    proof: Endorsement | None
    content: Content
    issuer: str

    @property
    def signed(self) -> bytes:
        """The bytes that an own signature covers."""
        return prepared_bytes(self.content, issuer=self.issuer, nonce=self.nonce)


def preparation(
    node: Node,
    caller: Caller,
    content: Content,
    roles: frozenset[str],
    endorsement: Mapping[str, Any] | None,
) -> Preparation:
    """Return the preparer of a content with their signature, not checked yet.

    Args:
        node: this node, whose ministry will seal it.
        caller: the preparer.
        content: what is prepared.
        roles: roles that prepare this type.
        endorsement: the signature as JSON, with the ``nonce`` that it covers; ``None`` for the
            recorded form, for which the node draws the nonce.

    Raises:
        Invalid: ``endorsement.nonce``.
        WireError: ``endorsement.*``, ``key.malformed``.
        Refused: ``key.not-enrolled``.
    """
    proof = None
    if endorsement is None:
        nonce = b64u_encode(node.entropy.token(NONCE_BYTES))
        named = officer(caller, roles, RECORDED, None)
    else:
        nonce = _nonce_of(endorsement)
        bare = {name: value for name, value in endorsement.items() if name != "nonce"}
        named, proof = _claimed(caller, roles, bare)
    return Preparation(named, nonce, proof, content, node.ministry)


def check_preparation(made: Preparation) -> None:
    """Check the preparer's own signature, if there is one.

    Raises:
        WireError: ``endorsement.*``.
    """
    if made.proof is not None:
        check_endorsement(made.officer, made.proof, made.signed)


def paper(
    caller: Caller,
    type_: str,
    body: Mapping[str, Any],
    roles: frozenset[str],
    endorsement: Mapping[str, Any] | None,
) -> tuple[Officer, Endorsement | None]:
    """Return who wrote a paper that stays here, with their checked signature, if there is one.

    Raises:
        WireError: ``endorsement.*``.
        Refused: ``key.not-enrolled``.
    """
    if endorsement is None:
        return officer(caller, roles, RECORDED, None), None
    named, proof = _claimed(caller, roles, endorsement)
    check_endorsement(named, proof, local_bytes(type_, body))
    return named, proof


def _claimed(
    caller: Caller, roles: frozenset[str], endorsement: Mapping[str, Any]
) -> tuple[Officer, Endorsement]:
    proof = Endorsement.from_json({**endorsement, "part": PREPARED})
    kid = thumbprint(proof.jwk)
    require_own_key(caller, kid)
    return officer(caller, roles, proof.form, kid), proof


def _nonce_of(endorsement: Mapping[str, Any]) -> str:
    nonce = endorsement.get("nonce")
    try:
        if isinstance(nonce, str) and len(b64u_decode(nonce)) == NONCE_BYTES:
            return nonce
    except WireError:
        pass
    raise Invalid(
        "endorsement.nonce",
        "Send the nonce that the signature covers beside it: 16 random bytes, base64url.",
    )


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
