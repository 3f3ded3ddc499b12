"""A gate in front of a process: whoever holds it decides whether anybody reaches that process.

with Gate(port_of_the_process) as gate:
    gate.port           # the address that others are told
    gate.shut()         # as if the line were cut: connections end, new ones get no answer
    gate.open()
"""

import contextlib
import socket
import threading
from collections.abc import Callable


class Gate:
    """Passes TCP connections on, or not.

    Args:
        target: port on loopback to which they lead.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._open = True
        self._sockets: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._start(self._accept)

    def __enter__(self) -> "Gate":
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.shut()
        for thread in self._threads:
            thread.join()

    def open(self) -> None:
        """Let connections through."""
        with self._lock:
            self._open = True

    def shut(self) -> None:
        """Cut the connections there are and let none through."""
        with self._lock:
            self._open = False
            for each in self._sockets:
                _end(each)

    def _start(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            self._start(self._pass_on, near)

    def _pass_on(self, near: socket.socket) -> None:
        with near, contextlib.suppress(OSError):
            if not self._open:
                return
            with socket.create_connection(("127.0.0.1", self._target)) as far:
                both = {near, far}
                with self._lock:
                    if not self._open:
                        return
                    self._sockets |= both
                back = threading.Thread(target=_pump, args=(far, near))
                back.start()
                _pump(near, far)
                back.join()
                with self._lock:
                    self._sockets -= both


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(65536):
            sink.sendall(piece)
    _end(source)
    _end(sink)


def _end(each: socket.socket) -> None:
    with contextlib.suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
