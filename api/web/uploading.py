"""How an upload's bytes reach a file: gathered in the event loop, written in threads apart.

Owns that way, for exhibits of any size. A thread is taken for one write at a time, from a limiter
of its own, so any number of idle uploads holds none; and a use case that stores a whole exhibit
never takes a thread of those that officers and partners wait for.
"""

import errno
from collections.abc import Callable
from typing import IO, Final, TypeVar

import anyio
import anyio.to_thread
from fastapi import Request

from api.domain.errors import Full, Invalid
from api.web.deps import Doors

T = TypeVar("T")

_PIECE: Final = 256 * 1024
_THREADS: Final = 8
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_LIMITER: dict[str, anyio.CapacityLimiter] = {}


async def apart(work: Callable[..., T], *arguments: object) -> T:
    """Run work with bytes in a thread that no other use case waits for."""
    limiter = _LIMITER.get("uploads")
    if limiter is None:
        limiter = _LIMITER["uploads"] = anyio.CapacityLimiter(_THREADS)
    return await anyio.to_thread.run_sync(work, *arguments, limiter=limiter)


async def receive(request: Request, file: IO[bytes], most: int) -> int:
    """Append a request's body to a file; what has come is in the file even if the rest does not.

    Args:
        request: whose body it is.
        file: open for writing at its end.
        most: bytes that may come.

    Returns:
        Bytes received.

    Raises:
        Invalid: ``exhibit.size-mismatch``: more came; the file holds ``most`` bytes of it.
        Full: ``store.full``.
        TooMany: ``body.too-many``.
        Unavailable: ``body.too-slow``, ``node.stopping``.
        ClientDisconnect: the caller left.
    """
    doors: Doors = request.app.state.doors
    intake, waiting, received = doors.intake, bytearray(), 0
    with intake.body(request, intake.allowance.upload) as body:
        try:
            while piece := await body.next():
                if received + len(piece) > most:
                    raise Invalid("exhibit.size-mismatch", "More bytes came than were announced.")
                waiting += piece
                received += len(piece)
                if len(waiting) >= _PIECE:
                    await apart(_write_chunk, file, bytes(waiting))
                    waiting.clear()
        finally:
            # What came before a break is kept, also when this request is cancelled.
            with anyio.CancelScope(shield=True):
                await apart(_write_chunk, file, bytes(waiting))
    return received


def _write_chunk(file: IO[bytes], data: bytes) -> None:
    try:
        file.write(data)
        file.flush()
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise Full("store.full", "There is no room left; nothing was stored.") from None
        raise
