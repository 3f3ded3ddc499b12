"""The package file: one zip that holds a statement, its exhibits and what proves it.

Owns the container of PROTOCOL §4 for sealed packages (``statement.json``) and drafts
(``draft.json``): which members may be in it. That every byte of it is accounted for is
`api.wire.stored_zip`'s. Containers of 2 GiB and more are refused.

It must not judge contents: exhibits are checked against the manifest in
`api.domain.verification.package`.
"""

import re
from collections.abc import Iterable
from types import TracebackType
from typing import IO, Final

from api.wire import digests
from api.wire.errors import WireError
from api.wire.stored_zip import CHUNK, MODE, StoredWriter, StoredZip, ZipForm

__all__ = [
    "CHUNK",
    "DRAFT",
    "PROOF",
    "RELEASE",
    "STATEMENT",
    "PackageFile",
    "PackageWriter",
    "exhibit_name",
    "receipt_name",
]

STATEMENT: Final = "statement.json"
DRAFT: Final = "draft.json"
RELEASE: Final = "release.json"
PROOF: Final = "proof.tlog-proof"

_EXHIBIT: Final = re.compile(r"exhibits/[0-9a-f]{64}", re.ASCII)
_RECEIPT: Final = re.compile(r"receipts/([1-9][0-9]{0,3})\.json", re.ASCII)
_MOST_BYTES: Final = (1 << 31) - 1


def exhibit_name(digest: str) -> str:
    """Return the member name of the exhibit with this digest.

    Raises:
        WireError: ``digest.malformed``.
    """
    return f"exhibits/{digests.digest_bytes(digest).hex()}"


def receipt_name(number: int) -> str:
    """Return the member name of receipt `number`, counted from 1."""
    return f"receipts/{number}.json"


def _check_name(name: str) -> None:
    fixed = (STATEMENT, DRAFT, RELEASE, PROOF)
    if name not in fixed and not _EXHIBIT.fullmatch(name) and not _RECEIPT.fullmatch(name):
        raise WireError("container.member", "Include only the members of a package file.")


def _malformed() -> WireError:
    return WireError(
        "container.malformed", "Give the package file as it was written, uncompressed and whole."
    )


def _too_large() -> WireError:
    return WireError("container.too-large", "Keep a package file under 2 GiB.")


def _missing() -> WireError:
    return WireError("container.missing", "Include the member that this file needs.")


_FORM: Final = ZipForm(
    check_name=_check_name,
    most_members=10_000,
    most_written=_MOST_BYTES,
    most_read=_MOST_BYTES,
    malformed=_malformed,
    too_large=_too_large,
    missing=_missing,
    dated=True,
    # As this writer (0600) or Python's writer from a file (0644) puts them; two values that differ
    # in more than one byte, so that no changed byte turns one into the other.
    modes=frozenset({MODE, 0o100644 << 16}),
)


class PackageWriter:
    """Writes a package file into a seekable binary file.

    Use as a context manager; leaving it normally writes the directory, leaving it by an error
    empties the file. Durability (temporary name, sync, rename) is the caller's.
    """

    def __init__(self, target: IO[bytes]) -> None:
        self._target = target
        self._zip = StoredWriter(target, _FORM)

    def __enter__(self) -> "PackageWriter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            self._empty()
            return
        try:
            self._zip.finish()
        except WireError:
            self._empty()
            raise

    def add(self, name: str, chunks: Iterable[bytes]) -> None:
        """Add one member.

        Args:
            name: A member name of the package file.
            chunks: Its content, in pieces.

        Raises:
            WireError: ``container.member``, ``container.too-large``.
        """
        self._zip.add(name, chunks)

    def _empty(self) -> None:
        self._target.seek(0)
        self._target.truncate()


class PackageFile(StoredZip):
    """A package file whose container has been checked.

    Args:
        source: Seekable binary file, open for as long as this object is used.

    Raises:
        WireError: ``container.*``; contents are not read yet.
    """

    def __init__(self, source: IO[bytes]) -> None:
        super().__init__(source, _FORM)
        self._check_set()

    @property
    def is_draft(self) -> bool:
        """Whether this is a package before submission."""
        return DRAFT in self

    @property
    def exhibits(self) -> dict[str, int]:
        """Size of every exhibit by digest."""
        return {
            digests.PREFIX + name.partition("/")[2]: self.size(name)
            for name in self.names
            if _EXHIBIT.fullmatch(name)
        }

    @property
    def receipts(self) -> tuple[str, ...]:
        """Names of the receipt members, in order."""
        count = sum(1 for name in self.names if _RECEIPT.fullmatch(name))
        return tuple(receipt_name(number) for number in range(1, count + 1))

    def _check_set(self) -> None:
        """Check that the members are those of one sealed package or one draft."""
        if (DRAFT in self) is (STATEMENT in self):
            raise WireError("container.missing", "Include a statement or a draft, not both.")
        extras = {name for name in self.names if not _EXHIBIT.fullmatch(name)}
        if self.is_draft and extras != {DRAFT}:
            raise WireError("container.member", "A draft holds its exhibits and nothing else.")
        numbers = {int(m[1]) for name in self.names if (m := _RECEIPT.fullmatch(name))}
        if numbers != set(range(1, len(numbers) + 1)):
            raise WireError("container.member", "Number receipts from 1 without gaps.")
