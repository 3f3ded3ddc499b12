"""What a token claims, judged after its signature held: dates, audience, names.

Owns the registry of joserfc with this node's clock and leeway, and the reading of single claims. It
knows no signature; what a fault means to the caller is for the two verifiers to say.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import ExpiredTokenError, JoseError

SKEW: Final = timedelta(seconds=60)
"""How far the issuer's clock may be from ours (RFC 9068 section 4 allows a small leeway)."""

_MAX_NAME: Final = 255
_MAX_INSTANT: Final = datetime(9000, 1, 1, tzinfo=UTC).timestamp()
_DATES: Final = ("exp", "iat", "nbf")


class Fault(Enum):
    """What is wrong with a claim, as the rest of a sentence about its token."""

    MALFORMED = "a claim is missing or malformed"
    AUDIENCE = "it was made for another service"
    EXPIRED = "it has expired; check the clocks of both machines"
    EARLY = "it is not valid yet; check the clocks of both machines"


class ClaimFaultError(Exception):
    """A claim is missing, is of another form than it must be, or does not hold.

    Args:
        claim: its name.
        fault: what is wrong.
    """

    def __init__(self, claim: str, fault: Fault) -> None:
        super().__init__(f"{fault.value} ({claim})")
        self.claim = claim
        self.fault = fault


def check_claims(claims: Mapping[str, Any], now: datetime, audience: str) -> None:
    """Check dates and audience (RFC 7519 section 4.1), with :data:`SKEW` to either side.

    Raises:
        ClaimFaultError: which claim, and why.
    """
    for name in _DATES:
        if name in claims or name != "nbf":
            numeric_date(claims, name)
    registry = jwt.JWTClaimsRegistry(
        now=int(now.timestamp()),
        leeway=int(SKEW.total_seconds()),
        aud={"essential": True, "value": audience},
    )
    judged = {name: claims[name] for name in ("aud", *_DATES) if name in claims}
    try:
        registry.validate(judged)
    except ExpiredTokenError:
        raise ClaimFaultError("exp", Fault.EXPIRED) from None
    except JoseError as error:
        claim = str(getattr(error, "claim", "aud"))
        fault = Fault.EARLY if claim in _DATES else Fault.AUDIENCE
        raise ClaimFaultError(claim, fault) from None


def numeric_date(claims: Mapping[str, Any], name: str) -> datetime:
    """Return a NumericDate (RFC 7519 section 2): seconds, perhaps with a fraction.

    Raises:
        ClaimFaultError: it is missing or no time of this age.
    """
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ClaimFaultError(name, Fault.MALFORMED)
    if not 0 <= value <= _MAX_INSTANT:
        raise ClaimFaultError(name, Fault.MALFORMED)
    return datetime.fromtimestamp(value, UTC)


def name_in(claims: Mapping[str, Any], name: str) -> str:
    """Return a claim that names somebody or something: a text, neither empty nor long.

    Raises:
        ClaimFaultError: it is none.
    """
    value = claims.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_NAME:
        raise ClaimFaultError(name, Fault.MALFORMED)
    return value
