"""What a service manager is told: that a process is up, over the socket that it names.

Owns the message of sd_notify(3) for units of ``Type=notify``; without ``NOTIFY_SOCKET`` nobody is
told. So ``systemctl start`` ends when the node answers, and fails where it could not start.
"""

import os
import socket
from contextlib import suppress
from typing import Final

_ADDRESS: Final = "NOTIFY_SOCKET"


def say_ready() -> None:
    """Say that this process is up; a manager that does not listen stops nothing."""
    address = os.environ.get(_ADDRESS, "")
    if not address:
        return
    if address.startswith("@"):  # an abstract name, which begins with a zero byte
        address = f"\0{address[1:]}"
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.sendto(b"READY=1", address)
