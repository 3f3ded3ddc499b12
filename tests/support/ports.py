"""Ports for what a test starts as a process of its own."""

import socket
import time
from contextlib import suppress

_GIVEN: set[int] = set()


def free_port() -> int:
    """A port that nobody listens on; never the same one twice in a process."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if port not in _GIVEN:
            _GIVEN.add(port)
            return port


def wait_until_open(port: int) -> None:
    """Wait until a process that was started listens; gives up after some seconds."""
    for _ in range(200):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise AssertionError(f"nobody listens on port {port}: it did not start")
