"""An export that was unpacked and packed again: its members, put back into the one container.

Such a file is never accepted (``api.wire.export.container`` says why), but whoever holds it wants
to know what is wrong inside before anything else. Owns the reading of foreign zips, within limits;
must not judge members.
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Sequence
from typing import IO, Final

from api.wire.errors import WireError
from api.wire.export.container import ExportWriter

LARGEST: Final = 64 << 20
"""Bytes of all members together: this reader keeps them in memory."""

_UNREADABLE: Final = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    struct.error,
    ArithmeticError,
    EOFError,
    LookupError,
    NotImplementedError,
    OSError,
    RuntimeError,
    ValueError,
)


def repacked(source: IO[bytes], order: Sequence[str]) -> IO[bytes] | None:
    """Return the container that the members of a zip would have had.

    Args:
        source: a seekable binary file.
        order: names of members; those that are there come first, in this order.

    Returns:
        It as a file in memory; ``None`` if this is no zip, names a member twice
        or not plainly, or is larger than :data:`LARGEST`.
    """
    try:
        members = _members(source, order)
    except _UNREADABLE:
        return None
    if members is None:
        return None
    target = io.BytesIO()
    writer = ExportWriter(target)
    try:
        for name, data in members:
            writer.add(name, [data])
    except WireError:
        return None
    writer.finish()
    return target


def _members(source: IO[bytes], order: Sequence[str]) -> list[tuple[str, bytes]] | None:
    with zipfile.ZipFile(source) as found:
        listed = found.infolist()
        names = {each.filename for each in listed}
        if len(names) != len(listed) or sum(each.file_size for each in listed) > LARGEST:
            return None
        rank = {name: at for at, name in enumerate(order)}
        listed.sort(key=lambda each: rank.get(each.filename, len(rank)))
        return [(each.filename, found.read(each)) for each in listed]
