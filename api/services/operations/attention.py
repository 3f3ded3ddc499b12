"""What an operator should renew or replace before partners notice: certificates and keys.

Owns the judgement; ``jobs/watch_expiry`` says it in the log once a day, ``web/metrics`` at each
scrape. Keys of a ministry have no end in time but bounds in its log (PROTOCOL §4), so a key calls
for attention when this node and the membership do not say the same about it.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from api.services.node import Node
from api.wire.keys import ALGORITHMS, KeyRecord, Purpose

WARN_DAYS: Final = 30
_DAY: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class Concern:
    """One thing to look after.

    Attributes:
        code: ``certificate.expires``, ``certificate.expired``, ``key.missing``, ``key.retired``,
            ``key.revoked`` or ``key.out-of-step`` (it still signs here, and the membership ends
            or revokes it).
        days: whole days that are left of a certificate; negative once it has expired.
        purpose: what the key is for.
        kid: which key.
    """

    code: str
    days: int | None = None
    purpose: str = ""
    kid: str = ""


def days_left(node: Node, until: datetime) -> float:
    """Return the days until an instant; negative once it is past."""
    return (until - node.clock.now()).total_seconds() / _DAY


def concerns(node: Node, certificate_until: datetime | None) -> list[Concern]:
    """Return what needs looking after, the certificate first.

    Args:
        node: this node.
        certificate_until: end of the client certificate shown to partners; ``None`` without one.
    """
    return [*_certificate(node, certificate_until), *_missing(node), *_keys(node)]


def _certificate(node: Node, until: datetime | None) -> list[Concern]:
    if until is None:
        return []
    left = days_left(node, until)
    if left > WARN_DAYS:
        return []
    code = "certificate.expires" if left > 0 else "certificate.expired"
    return [Concern(code, days=int(left // 1))]


def _missing(node: Node) -> list[Concern]:
    return [
        Concern("key.missing", purpose=purpose.value)
        for purpose, algorithms in ALGORITHMS.items()
        if purpose is not Purpose.ENCRYPTION and len(node.signer.keys(purpose)) < len(algorithms)
    ]


def _keys(node: Node) -> list[Concern]:
    listed = {key.kid: key for key in node.me.keys}
    found = []
    for key in node.signer.public_keys():
        entry = listed.get(key.kid)
        code = _code(key, entry)
        if code:
            found.append(Concern(code, purpose=key.purpose.value, kid=key.kid))
    return found


def _code(key: KeyRecord, entry: KeyRecord | None) -> str:
    if key.revoked_from is not None:
        return "key.revoked"
    if key.until is not None:
        return "key.retired"
    ended = entry is None or entry.until is not None or entry.revoked_from is not None
    return "key.out-of-step" if ended else ""


def key_states(node: Node) -> dict[tuple[str, str], int]:
    """Return how many keys this node holds, by purpose and state."""
    states = Counter((key.purpose.value, _state(key)) for key in node.signer.public_keys())
    return dict(states)


def _state(key: KeyRecord) -> str:
    if key.revoked_from is not None:
        return "revoked"
    return "current" if key.until is None else "retired"
