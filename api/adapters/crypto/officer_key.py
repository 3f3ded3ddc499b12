"""An officer's own signing key, kept by the officer, in a file.

Owns the file and the two signatures an officer gives: on what they prepared and on what they
approve (PROTOCOL §3). A node never holds these keys; it knows their public half by enrolment.
The file is PKCS #8 in PEM (``pkcs8_pem``), encrypted under a passphrase or, for machines that
protect it otherwise, plain; always mode 0600. Files of the form before, Comity's own JSON, are
still read; ``comity key convert`` writes them anew.

Codes: as `api.adapters.crypto.sealed_file`, and ``officer-key.passphrase-needed`` Invalid.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from api.adapters.crypto import pkcs8_pem, private_keys, sealed_file
from api.adapters.crypto.pkcs8_pem import ScryptCost
from api.adapters.crypto.private_keys import PrivateKey
from api.domain.errors import Invalid
from api.wire.canonical import Json, parse_canonical
from api.wire.encoding import b64u_encode
from api.wire.endorsements import jws_endorsement, officer_input, possession_bytes
from api.wire.envelope import APPROVED, JWS, PREPARED, Endorsement
from api.wire.errors import WireError
from api.wire.keys import ES384, OFFICER_ALGORITHMS, algorithm, thumbprint
from api.wire.members import Members
from api.wire.statements import Content, Officer, local_bytes, prepared_bytes

_KIND: Final = "officer-key"
_LARGEST: Final = 64 * 1024
_PLAIN_JSON: Final = b'{"officer_key"'


class OfficerKey:
    """A loaded officer key.

    Attributes:
        jwk: The public half, as it is enrolled.
        kid: Its thumbprint.
    """

    def __init__(self, private: PrivateKey) -> None:
        self._private = private
        self.jwk = private_keys.public_jwk(private)
        self.kid = thumbprint(self.jwk)

    @classmethod
    def create(
        cls, path: Path, passphrase: str | None = None, cost: ScryptCost | None = None
    ) -> "OfficerKey":
        """Make an ES384 key and write its file.

        Args:
            path: New file.
            passphrase: Encrypts the file; None writes it plain.
            cost: Of the key derivation.

        Raises:
            Conflict: ``keystore.exists``.
            Invalid: ``keystore.passphrase-short``.
        """
        made = cls(private_keys.generate(ES384))
        while made.kid.startswith("-"):
            # People give the id to commands, where it would read as an option.
            made = cls(private_keys.generate(ES384))
        made.write(path, passphrase, cost)
        return made

    def write(
        self,
        path: Path,
        passphrase: str | None = None,
        cost: ScryptCost | None = None,
        *,
        replace: bool = False,
    ) -> None:
        """Write this key's file; after a crash it is the old one or the new one, whole.

        Args:
            path: The file.
            passphrase: Encrypts it; None writes it plain.
            cost: Of the key derivation.
            replace: Whether a file that is there may be replaced.

        Raises:
            Conflict: ``keystore.exists``.
            Invalid: ``keystore.passphrase-short``.
        """
        if passphrase is not None:
            sealed_file.require_long(passphrase)
        data = pkcs8_pem.written(self._private, passphrase, cost)
        sealed_file.write_private(path, data, replace=replace)

    @classmethod
    def open(cls, path: Path, passphrase: str | None = None) -> "OfficerKey":
        """Open a key file, plain or encrypted.

        Raises:
            NotFound: ``keystore.missing``.
            Invalid: ``keystore.passphrase``, ``officer-key.passphrase-needed``,
                ``keystore.malformed``, ``keystore.permissions``.
        """
        data = sealed_file.read_private(path)
        if passphrase is None and not is_plain(data):
            raise Invalid("officer-key.passphrase-needed", "Give the passphrase of this key.")
        in_pem = data.startswith((pkcs8_pem.PLAIN, pkcs8_pem.ENCRYPTED))
        private = pkcs8_pem.read(data, passphrase) if in_pem else _in_json(data, passphrase)
        if algorithm(private_keys.public_jwk(private)) not in OFFICER_ALGORITHMS:
            raise Invalid("keystore.malformed", "This is no officer's key file.")
        return cls(private)

    def named(self, iss: str, sub: str, role: str) -> Officer:
        """Return how a statement names this officer when signing with this key."""
        return Officer(iss, sub, role, JWS, self.kid)

    def sign_prepared(self, content: Content, *, issuer: str, nonce: str) -> Endorsement:
        """Sign what this officer prepared for a ministry, for one statement (PROTOCOL §9)."""
        return self._sign(PREPARED, prepared_bytes(content, issuer=issuer, nonce=nonce))

    def sign_paper(self, type_: str, body: Mapping[str, Json]) -> Endorsement:
        """Sign a paper that stays at the node, such as an auditor's note."""
        return self._sign(PREPARED, local_bytes(type_, body))

    def sign_approval(self, payload: bytes) -> Endorsement:
        """Sign the exact payload bytes of a candidate this officer approves."""
        return self._sign(APPROVED, payload)

    def sign_possession(self, ministry: str, iss: str, sub: str, challenge: str) -> str:
        """Sign a node's challenge, to show that this key is in the officer's hands; base64url."""
        data = possession_bytes(ministry, iss, sub, challenge)
        return b64u_encode(self._sign(PREPARED, data).signature)

    def _sign(self, part: str, data: bytes) -> Endorsement:
        signature = private_keys.sign(self._private, officer_input(self.jwk, data))
        return jws_endorsement(part, self.jwk, signature)


def is_plain(data: bytes) -> bool:
    """Say whether a key file is not encrypted."""
    return data.startswith((pkcs8_pem.PLAIN, _PLAIN_JSON))


def _in_json(data: bytes, passphrase: str | None) -> PrivateKey:
    """Read a file of the form that was written before PKCS #8 in PEM."""
    if passphrase is not None and not is_plain(data):
        data = sealed_file.decrypt(data, [passphrase], _KIND)
    try:
        value = parse_canonical(data, limit=_LARGEST)
        return private_keys.from_pkcs8(
            Members(value, "keystore.malformed", ("officer_key",)).b64u("officer_key")
        )
    except WireError:
        raise Invalid("keystore.malformed", "This is no officer's key file.") from None
