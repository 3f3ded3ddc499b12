"""The ministry's keys in one encrypted file: the `Signer` of nodes without a hardware module.

Owns the key set of a node and its life: made once, rotated, retired, revoked, exported to escrow.
Each change rewrites the whole file under a lock and by rename, so a crash leaves the old set or
the new one. The membership, not this file, tells other ministries which key is valid when; the
bounds kept here are this node's copy.

Private keys are in no data backup (PROTOCOL §8). An escrow export is the same content encrypted
under two passphrases, each held by another administrator: neither alone opens it.

Further codes beside those of `api.ports.signer` and `api.adapters.crypto.sealed_file`:
``escrow.same-passphrase`` Invalid, ``key.bounds`` Invalid, ``key.current`` Conflict.
"""

import fcntl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from api.adapters.crypto import private_keys, sealed_file
from api.adapters.crypto.private_keys import PrivateKey
from api.adapters.crypto.sealed_file import KdfCost
from api.domain.errors import Conflict, Invalid, NotFound
from api.wire.canonical import canonical, parse_canonical
from api.wire.encoding import b64u_encode
from api.wire.errors import WireError
from api.wire.keys import ALGORITHMS, KeyRecord, Purpose, thumbprint
from api.wire.members import Members

SIGNING_PURPOSES: Final = tuple(purpose for purpose in Purpose if purpose != Purpose.ENCRYPTION)
"""Purposes a new keystore has keys for."""

_KEYSTORE: Final = "keystore"
_ESCROW: Final = "escrow"
_LARGEST: Final = 2 * 1024 * 1024
_MOST_KEYS: Final = 512

Passphrase = Callable[[], str]
"""Gives the passphrase when it is needed: at opening and at each change."""


@dataclass(frozen=True, slots=True)
class _Pair:
    record: KeyRecord
    private: PrivateKey

    @property
    def current(self) -> bool:
        return self.record.until is None and self.record.revoked_from is None


@dataclass(frozen=True, slots=True)
class OldKeys:
    """How the keys end that a rotation replaces.

    Attributes:
        until: Index from which they are retired. Later than the first of the new ones where the
            node signs with the old ones until it restarts: between the two, both are valid.
        revoked_from: Index from which they are not trusted, instead, since they may have leaked.
    """

    until: int | None = None
    revoked_from: int | None = None

    def ended(self, record: KeyRecord, at_index: int) -> KeyRecord:
        """Return the record of a key that ends.

        Raises:
            Invalid: ``key.bounds``: both ends are given, or there would be a gap.
        """
        if self.revoked_from is not None:
            if self.until is not None:
                raise Invalid("key.bounds", "Keys are retired or revoked: give one end.")
            return replace(record, revoked_from=self.revoked_from)
        until = at_index if self.until is None else self.until
        if until < at_index:
            raise Invalid("key.bounds", "Let the old keys end where the new ones begin, or later.")
        return replace(record, until=until)


class FileKeystore:
    """A ministry's private keys, decrypted in memory; implements `api.ports.signer.Signer`.

    Use `create`, `open` or `restore`. Signing takes no lock: changes replace the set of keys as a
    whole.
    """

    def __init__(
        self, path: Path, passphrase: Passphrase, pairs: Sequence[_Pair], cost: KdfCost
    ) -> None:
        self._path = path
        self._passphrase = passphrase
        self._cost = cost
        self._pairs: Mapping[str, _Pair] = {pair.record.kid: pair for pair in pairs}

    @classmethod
    def create(
        cls, path: Path, passphrase: Passphrase, cost: KdfCost | None = None
    ) -> "FileKeystore":
        """Make a keystore with one key for each signing purpose and algorithm, valid from 0.

        Raises:
            Conflict: ``keystore.exists``; nothing was changed.
            Invalid: ``keystore.passphrase-short``.
        """
        pairs = [pair for purpose in SIGNING_PURPOSES for pair in _generate(purpose, 0)]
        return cls._write_new(path, passphrase, pairs, cost)

    @classmethod
    def open(
        cls, path: Path, passphrase: Passphrase, cost: KdfCost | None = None
    ) -> "FileKeystore":
        """Open a keystore.

        Raises:
            NotFound: ``keystore.missing``.
            Invalid: ``keystore.passphrase``, ``keystore.malformed``, ``keystore.permissions``.
        """
        return cls(path, passphrase, _load(path, passphrase), cost or KdfCost())

    @classmethod
    def restore(
        cls,
        path: Path,
        passphrase: Passphrase,
        escrow: Path,
        administrators: tuple[str, str],
        cost: KdfCost | None = None,
    ) -> "FileKeystore":
        """Make a keystore from an escrow export and the passphrases of two administrators.

        Raises:
            Conflict: ``keystore.exists``.
            NotFound: ``keystore.missing``.
            Invalid: ``keystore.passphrase``, ``keystore.malformed``, ``keystore.permissions``.
        """
        pairs = _open_escrow(escrow, administrators)
        return cls._write_new(path, passphrase, pairs, cost)

    @classmethod
    def _write_new(
        cls, path: Path, passphrase: Passphrase, pairs: Sequence[_Pair], cost: KdfCost | None
    ) -> "FileKeystore":
        cost = cost or KdfCost()
        data = sealed_file.encrypt(_format(pairs), [passphrase()], _KEYSTORE, cost)
        sealed_file.write_private(path, data, replace=False)
        return cls(path, passphrase, pairs, cost)

    def keys(self, purpose: Purpose) -> tuple[KeyRecord, ...]:
        """Return the current keys of a purpose in the order of its algorithms."""
        current = {
            pair.record.alg: pair.record
            for pair in self._pairs.values()
            if pair.current and pair.record.purpose is purpose
        }
        return tuple(current[alg] for alg in ALGORITHMS[purpose] if alg in current)

    def public_keys(self) -> tuple[KeyRecord, ...]:
        """Return every key record, current and former."""
        return tuple(pair.record for pair in self._pairs.values())

    def sign(self, kid: str, data: bytes) -> bytes:
        """Sign with one current key.

        Raises:
            NotFound: ``key.unknown``.
            Conflict: ``key.not-current``.
        """
        pair = self._pairs.get(kid)
        if pair is None:
            raise _unknown()
        if not pair.current:
            raise Conflict("key.not-current", "This key was retired; sign with its successor.")
        return private_keys.sign(pair.private, data)

    def reload(self) -> None:
        """Read the file again, after another process changed it.

        Raises:
            NotFound: ``keystore.missing``.
            Invalid: ``keystore.passphrase``, ``keystore.malformed``, ``keystore.permissions``.
        """
        self._pairs = {pair.record.kid: pair for pair in _load(self._path, self._passphrase)}

    def rotate(
        self, purpose: Purpose, at_index: int, old: OldKeys | None = None
    ) -> tuple[KeyRecord, ...]:
        """End the current keys of a purpose and make new ones.

        Args:
            purpose: Whose keys to change.
            at_index: First index of this node's log that the new keys sign.
            old: How the present ones end; retired at that index unless said.

        Returns:
            The new records.
        """
        fresh = _generate(purpose, at_index)
        old = old or OldKeys()

        def edit(pairs: list[_Pair]) -> list[_Pair]:
            return [
                _Pair(old.ended(pair.record, at_index), pair.private)
                if pair.current and pair.record.purpose is purpose
                else pair
                for pair in pairs
            ] + fresh

        self._change(edit)
        return self.keys(purpose)

    def add(self, purpose: Purpose, from_index: int) -> tuple[KeyRecord, ...]:
        """Make keys for a purpose that has no current one.

        Raises:
            Conflict: ``key.current``.
        """
        fresh = _generate(purpose, from_index)

        def edit(pairs: list[_Pair]) -> list[_Pair]:
            if any(pair.current and pair.record.purpose is purpose for pair in pairs):
                raise Conflict("key.current", "This purpose has a current key: rotate it.")
            return pairs + fresh

        self._change(edit)
        return self.keys(purpose)

    def retire(self, kid: str, at_index: int) -> None:
        """Let a key sign no more from a log index on; what it signed stays valid.

        Raises:
            NotFound: ``key.unknown``.
        """
        self._change(lambda pairs: _edit_one(pairs, kid, lambda r: replace(r, until=at_index)))

    def revoke(self, kid: str, from_index: int) -> None:
        """Withdraw trust in a key from a log index on.

        Raises:
            NotFound: ``key.unknown``.
        """
        self._change(
            lambda pairs: _edit_one(pairs, kid, lambda r: replace(r, revoked_from=from_index))
        )

    def export_escrow(self, target: Path, administrators: tuple[str, str]) -> None:
        """Write all keys, encrypted so that two administrators together can open them.

        Raises:
            Conflict: ``keystore.exists``.
            Invalid: ``escrow.same-passphrase``, ``keystore.passphrase-short``.
        """
        if administrators[0] == administrators[1]:
            raise Invalid("escrow.same-passphrase", "Let each administrator choose an own one.")
        content = _format(list(self._pairs.values()))
        data = sealed_file.encrypt(content, administrators, _ESCROW, self._cost)
        sealed_file.write_private(target, data, replace=False)

    def _change(self, edit: Callable[[list[_Pair]], list[_Pair]]) -> None:
        """Apply one change to what the file holds now, write it, then use it."""
        with _locked(self._path):
            pairs = edit(_load(self._path, self._passphrase))
            content = _format(pairs)
            data = sealed_file.encrypt(content, [self._passphrase()], _KEYSTORE, self._cost)
            sealed_file.write_private(self._path, data, replace=True)
        self._pairs = {pair.record.kid: pair for pair in pairs}


def escrowed_keys(escrow: Path, administrators: tuple[str, str]) -> tuple[KeyRecord, ...]:
    """Open an escrow export for a test; returns the records of its keys.

    Raises:
        NotFound: ``keystore.missing``.
        Invalid: ``keystore.passphrase``, ``keystore.malformed``, ``keystore.permissions``.
    """
    return tuple(pair.record for pair in _open_escrow(escrow, administrators))


def _open_escrow(path: Path, administrators: tuple[str, str]) -> list[_Pair]:
    data = sealed_file.read_private(path)
    return _parse_keystore(sealed_file.decrypt(data, administrators, _ESCROW))


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the keystore's lock file: two commands must not each write half of the news."""
    with path.with_name(f"{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _load(path: Path, passphrase: Passphrase) -> list[_Pair]:
    data = sealed_file.read_private(path)
    return _parse_keystore(sealed_file.decrypt(data, [passphrase()], _KEYSTORE))


def _generate(purpose: Purpose, from_index: int) -> list[_Pair]:
    pairs = []
    for alg in ALGORITHMS[purpose]:
        private = private_keys.generate(alg)
        jwk = private_keys.public_jwk(private)
        pairs.append(_Pair(KeyRecord(thumbprint(jwk), alg, purpose, jwk, from_index), private))
    return pairs


def _edit_one(
    pairs: list[_Pair], kid: str, change: Callable[[KeyRecord], KeyRecord]
) -> list[_Pair]:
    if all(pair.record.kid != kid for pair in pairs):
        raise _unknown()
    return [
        _Pair(change(pair.record), pair.private) if pair.record.kid == kid else pair
        for pair in pairs
    ]


def _format(pairs: Sequence[_Pair]) -> bytes:
    entries = [
        {
            "record": pair.record.to_json(),
            "pkcs8": b64u_encode(private_keys.to_pkcs8(pair.private)),
        }
        for pair in pairs
    ]
    return canonical({"keys": entries})


def _parse_keystore(plaintext: bytes) -> list[_Pair]:
    try:
        code = "keystore.malformed"
        file = Members(parse_canonical(plaintext, limit=_LARGEST), code, ("keys",))
        pairs = []
        for value in file.items("keys", 1, _MOST_KEYS):
            entry = Members(value, code, ("record", "pkcs8"))
            record = KeyRecord.from_json(entry.raw("record"))
            private = private_keys.from_pkcs8(entry.b64u("pkcs8"))
            if private_keys.public_jwk(private) != dict(record.public):
                raise entry.refusal("A key and its record do not belong together.")
            pairs.append(_Pair(record, private))
    except WireError:
        raise Invalid("keystore.malformed", "The keystore's content is damaged.") from None
    return pairs


def _unknown() -> NotFound:
    return NotFound("key.unknown", "This keystore holds no such key.")
