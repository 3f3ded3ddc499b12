"""Contract of the ministry's private keys, shaped like PKCS#11: keys are named, used, never seen.

A signer holds the keys of one ministry. Its implementations are an encrypted file
(`api.adapters.crypto.keystore`) and, later, a hardware module. Rules for every implementation:

* **Keys stay inside.** Nothing here returns private material; export is the implementation's own,
  deliberate act.
* **One key, one algorithm, one purpose.** A caller chooses a key by its kid, never an algorithm.
* **Raw signatures.** ES384 as ``r || s`` with ``s`` in the lower half; Ed25519 and ML-DSA as their
  specifications give them, ML-DSA with empty context (FIPS 204 §5.2, pure, hedged).
* **Thread safe.** Any number of threads may sign at once; none waits for a lock held while signing.
* **No retired key signs.** A key with ``until`` or ``revoked_from`` set still stands in
  `public_keys`, so that what it signed can be verified, and signs no more.

Codes (classes of `api.domain.errors`): ``key.unknown`` NotFound, ``key.not-current`` Conflict,
``signer.unavailable`` Unavailable.
"""

from typing import Protocol

from api.wire.keys import KeyRecord, Purpose


class Signer(Protocol):
    """The private keys of one ministry."""

    def keys(self, purpose: Purpose) -> tuple[KeyRecord, ...]:
        """Return the current keys of a purpose, one for each of its algorithms, in their order."""
        ...

    def public_keys(self) -> tuple[KeyRecord, ...]:
        """Return every key record, current and former."""
        ...

    def sign(self, kid: str, data: bytes) -> bytes:
        """Sign `data` with one current key and return the raw signature.

        Raises:
            NotFound: ``key.unknown``.
            Conflict: ``key.not-current``.
            Unavailable: ``signer.unavailable``.
        """
        ...
