"""Who is calling: officers by access token.

Owns the reading of the ``Authorization`` header. Peers are identified by the signatures of their
messages (``services/road/receiving.py``) or, for members-only reads, by a short-lived token signed
with their message key (``services/log/peer_tokens.py``).
"""

import re
from dataclasses import replace
from typing import Annotated

from fastapi import Depends, Request

from api.domain.errors import Invalid, NotSignedIn
from api.services.authorising import Caller
from api.web.calling import Calling, identify
from api.web.deps import Doors
from api.web.preconditions import digest_read
from api.web.use_case_threads import run

IN_PLACE_OF = "comity-in-place-of"
_OFFICER = re.compile("[0-9a-f]{32}")
_KEY = re.compile(r"[\x21-\x7e]{1,200}")


def bearer(request: Request) -> str:
    """Return the bearer token of a request.

    Raises:
        NotSignedIn: ``token.missing``.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise NotSignedIn("token.missing", "Send an access token: run 'comity login' to get one.")
    return token.strip()


def stand_in(request: Request) -> str:
    """Return the officer in whose place the caller says to act (empty: in own right).

    Raises:
        Invalid: ``delegation.officer``: the header names no officer record.
    """
    named = request.headers.get(IN_PLACE_OF, "")
    if named and not _OFFICER.fullmatch(named):
        raise Invalid("delegation.officer", "Name the officer you stand in for by record id.")
    return named


def idempotency_key(request: Request) -> str:
    """Return the ``Idempotency-Key`` of a call (empty: none).

    Raises:
        Invalid: ``idempotency.malformed``.
    """
    key = request.headers.get("idempotency-key")
    if key is None:
        return ""
    if not _KEY.fullmatch(key):
        raise Invalid("idempotency.malformed", "Use 1 to 200 visible ASCII characters as the key.")
    return key


async def officer(request: Request) -> Caller:
    """Return the signed-in officer; FastAPI dependency of every officer's route."""
    doors: Doors = request.app.state.doors
    request_id = request.state.request_id
    key = idempotency_key(request)
    caller = await run(identify, doors, bearer(request), request_id, stand_in(request), key)
    if read := digest_read(request):
        caller = replace(caller, read=read)
    # Before any body is read: what an officer sends is counted for that officer.
    doors.intake.known(request, f"officer {caller.person}")
    return caller


async def calling(request: Request) -> Caller | Calling:
    """Return who calls, for :func:`run`; without a thread of its own where the token is known.

    For routes that are called much. The request is counted before its body is read, as elsewhere,
    for whom the token stood when it was last verified; it is verified again with the use case.
    """
    doors: Doors = request.app.state.doors
    token = bearer(request)
    person = doors.bearers.person(token, doors.node.clock.now())
    if not person:
        return await officer(request)
    key, named = idempotency_key(request), stand_in(request)
    doors.intake.known(request, f"officer {person}")
    return Calling(doors, token, request.state.request_id, named, key, person)


OfficerOf = Annotated[Caller, Depends(officer)]
