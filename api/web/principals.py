"""Who is calling: officers by access token.

Owns the reading of the ``Authorization`` header. Peers are identified by the signatures of their
messages (``services/receiving.py``) or, for members-only reads, by a short-lived token signed with
their message key (``services/peer_tokens.py``).
"""

from typing import Annotated

from fastapi import Depends, Request

from api.domain.errors import NotSignedIn
from api.services.authorising import Caller, officer_caller
from api.web.deps import Doors
from api.web.routing import run


def bearer(request: Request) -> str:
    """Return the bearer token of a request.

    Raises:
        NotSignedIn: ``token.missing``.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise NotSignedIn("token.missing", "Send an access token: run 'comity login' to get one.")
    return token.strip()


def identify(doors: Doors, token: str, request_id: str) -> Caller:
    """Return the officer behind a token."""
    identity = doors.tokens.verify(token)
    return officer_caller(doors.node, identity.iss, identity.sub, origin="rest", request=request_id)


async def officer(request: Request) -> Caller:
    """Return the signed-in officer; FastAPI dependency of every officer's route."""
    doors: Doors = request.app.state.doors
    return await run(identify, doors, bearer(request), request.state.request_id)


OfficerOf = Annotated[Caller, Depends(officer)]


class Pending:
    """An officer who will be identified in the same worker thread as the use case.

    For routes that do one thing: they save a change of threads. ``routing.run`` resolves it.
    """

    def __init__(self, doors: Doors, token: str, request_id: str) -> None:
        self._doors, self._token, self._request_id = doors, token, request_id

    def resolve(self) -> Caller:
        """Return the caller; to be called in a worker thread."""
        return identify(self._doors, self._token, self._request_id)


async def pending_officer(request: Request) -> Pending:
    """Return the caller-to-be; the token is read now and judged with the use case."""
    return Pending(request.app.state.doors, bearer(request), request.state.request_id)


PendingOf = Annotated[Pending, Depends(pending_officer)]
