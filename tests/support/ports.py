"""Ports for what a test starts as a process of its own."""

import socket

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
