"""The tokens a client holds after signing in.

Owns their shape only; imports nothing heavy, so that the command line starts quickly.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

EXPIRY_MARGIN = timedelta(seconds=30)
"""A token this close to its end is not sent any more: the request must still arrive in time."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """An access token and what renews it; no secret appears in ``repr``.

    Attributes:
        access_token: RFC 9068 access token.
        expires_at: aware, UTC; its end by the client's clock.
        refresh_token: for the next access token (RFC 6749 section 6), or None.
    """

    access_token: str = field(repr=False)
    expires_at: datetime
    refresh_token: str | None = field(default=None, repr=False)

    def fresh(self, now: datetime) -> bool:
        """Say whether the access token can still be sent at ``now``."""
        return now < self.expires_at - EXPIRY_MARGIN
