"""Says once a day in the log which certificate or key of this node needs looking after."""

import logging
from datetime import datetime
from typing import Final

from api.services.node import Node
from api.services.operations import attention

_log = logging.getLogger(__name__)

EVERY: Final = 86_400.0
"""Seconds between two looks."""


class WatchExpiry:
    """The looks of one process.

    Args:
        node: this node.
        certificate_until: end of the client certificate shown to partners; ``None`` without one.
    """

    def __init__(self, node: Node, certificate_until: datetime | None) -> None:
        self._node = node
        self._certificate_until = certificate_until
        self._looked = False

    def __call__(self) -> bool:
        """Log a warning for each concern; returns False: there is nothing to go on with.

        A retired key is normal after a rotation and stays in the keystore: said at the start only.
        """
        for concern in attention.concerns(self._node, self._certificate_until):
            if not (self._looked and concern.code == "key.retired"):
                _warn(concern)
        self._looked = True
        return False


def _warn(concern: attention.Concern) -> None:
    members = {
        "code": concern.code,
        "days": concern.days,
        "purpose": concern.purpose,
        "kid": concern.kid,
    }
    known = {name: value for name, value in members.items() if value not in {None, ""}}
    _log.warning("needs attention", extra=known)
