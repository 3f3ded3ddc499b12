"""The container of an audit export: which names and how many bytes may be in it.

Owns the form of the zip; how it is written and read, so that every byte follows from its members,
is `api.wire.stored_zip`'s. Must not know what the members mean (`api.wire.export.layout`), except
that names are plain. Format: docs/protocol-export.md.
"""

import re
from typing import IO, Final

from api.wire.errors import WireError
from api.wire.stored_zip import CHUNK, StoredWriter, StoredZip, ZipForm

__all__ = ["CHUNK", "ExportFile", "ExportWriter"]

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.]*(/[A-Za-z][A-Za-z0-9_.]*)?", re.ASCII)
_MOST_BYTES: Final = (1 << 32) - (1 << 20)


def _check_name(name: str) -> None:
    if len(name) > 255 or not _NAME.fullmatch(name):  # noqa: PLR2004 - a name is short
        raise WireError("container.member", "Include only the members of an export.")


def _malformed() -> WireError:
    return WireError(
        "container.malformed", "Give the export as it was written, uncompressed and whole."
    )


def _over_four_gib() -> WireError:
    return WireError("container.too-large", "Export a smaller range at once.")


def _missing() -> WireError:
    return WireError("container.missing", "A member that must be there is not.")


_FORM: Final = ZipForm(
    check_name=_check_name,
    most_members=64,
    most_written=_MOST_BYTES,
    most_read=_MOST_BYTES + CHUNK,
    malformed=_malformed,
    too_large=_over_four_gib,
    missing=_missing,
)


class ExportWriter(StoredWriter):
    """Writes the members of an export one after another into a seekable binary file."""

    def __init__(self, target: IO[bytes]) -> None:
        super().__init__(target, _FORM)


class ExportFile(StoredZip):
    """An export whose container has been checked; contents are not read yet.

    Args:
        source: Seekable binary file, open for as long as this object is used.

    Raises:
        WireError: ``container.malformed``, ``container.member`` or ``container.too-large``.
    """

    def __init__(self, source: IO[bytes]) -> None:
        super().__init__(source, _FORM)
