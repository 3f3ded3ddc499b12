"""The provider's signature keys, and their rotation.

Owns which key signs and which are published: the one before (tokens it signed still live), the
present one, and the next (so that verifiers know it before it signs).
"""

import threading
from collections.abc import Callable

from joserfc.jwk import ECKey, KeySet

ALGORITHM = "ES256"


class SigningKeys:
    """Three ES256 keys that move up one place at every rotation; thread-safe.

    Args:
        now: seconds since the epoch.
        rotate_after: age in seconds at which the present key is replaced; must be longer than a
            token lives, so that no token outlives the publication of its key.
    """

    def __init__(self, now: Callable[[], float], rotate_after: float) -> None:
        self._now = now
        self._rotate_after = rotate_after
        self._lock = threading.Lock()
        self._previous: ECKey | None = None
        self._present = _new_key()
        self._next = _new_key()
        self._since = now()

    def signing(self) -> KeySet:
        """Return a set with the present key alone, which makes joserfc name it in the header.

        A larger set would be signed with at random.
        """
        with self._lock:
            if self._now() - self._since >= self._rotate_after:
                self._rotate()
            return KeySet([self._present])

    def rotate(self) -> None:
        """Retire the present key now."""
        with self._lock:
            self._rotate()

    def published(self) -> dict[str, object]:
        """Return the JWK Set (RFC 7517) as JSON."""
        with self._lock:
            keys = [key for key in (self._previous, self._present, self._next) if key]
            return dict(KeySet(list(keys)).as_dict(private=False))

    def _rotate(self) -> None:
        self._previous, self._present, self._next = self._present, self._next, _new_key()
        self._since = self._now()


def _new_key() -> ECKey:
    return ECKey.generate_key("P-256", {"use": "sig", "alg": ALGORITHM}, auto_kid=True)
