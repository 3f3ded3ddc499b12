"""The HTTP server's process: it rests while nobody calls, and says when it begins and ends.

Owns the server's class; how bytes become requests is ``framing.py``'s.
"""

import asyncio
import socket
from collections.abc import Callable
from functools import partial
from types import FrameType

import uvicorn
from typing_extensions import override


class Server(uvicorn.Server):
    """Uvicorn's server, without its looks ten times a second whether a signal came.

    Args:
        config: of the server.
        listens: called once it does.
        ends: called when it begins to end.
    """

    def __init__(
        self, config: uvicorn.Config, listens: Callable[[], None], ends: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._listens = listens
        self._ends = ends
        self._wake: Callable[[], object] = lambda: None

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._listens()

    @override
    async def main_loop(self) -> None:
        """Wait for a signal."""
        signalled = asyncio.Event()
        self._wake = partial(asyncio.get_running_loop().call_soon_threadsafe, signalled.set)
        while not self.should_exit:
            await signalled.wait()

    @override
    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        self._wake()

    @override
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._ends()
        await super().shutdown(sockets)
