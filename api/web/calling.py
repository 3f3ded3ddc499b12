"""The officer behind a token, found in a worker thread.

Owns the order: the token proves an account, the node's own records say whose it is.
"""

from dataclasses import dataclass, field, replace

from api.services.authorising import Caller, officer_caller
from api.web.deps import Doors


def identify(
    doors: Doors, token: str, request_id: str, in_place_of: str = "", key: str = ""
) -> Caller:
    """Return the officer behind a token.

    Raises:
        NotSignedIn: ``token.*``, ``officer.unknown``.
    """
    identity = doors.tokens.verify(token)
    caller = officer_caller(
        doors.node,
        identity.iss,
        identity.sub,
        origin="rest",
        request=request_id,
        in_place_of=in_place_of,
    )
    doors.bearers.note(token, caller.person, identity.expires_at)
    return replace(caller, idempotency_key=key) if key else caller


@dataclass(frozen=True, slots=True)
class Calling:
    """A call with a token that was good lately; who calls is found where the use case runs.

    Attributes:
        doors: what the doors share.
        token: of the request.
        request_id: of the request.
        in_place_of: the officer for whom the caller says to stand in, or empty.
        key: the ``Idempotency-Key``, or empty.
        person: whose the token was; for counting alone.
    """

    doors: Doors
    token: str = field(repr=False)
    request_id: str
    in_place_of: str
    key: str
    person: str

    def resolve(self) -> Caller:
        """Return the caller; to be called in a worker thread.

        Raises:
            NotSignedIn: ``token.*``, ``officer.unknown``.
        """
        return identify(self.doors, self.token, self.request_id, self.in_place_of, self.key)
