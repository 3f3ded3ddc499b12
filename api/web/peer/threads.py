"""Members-only read of the states of shared threads: ``GET /peer/threads``."""

from typing import Annotated

from fastapi import Query, Request

from api.domain.errors import NotSignedIn
from api.ports.policy import Action
from api.services.authorising import peer_caller
from api.services.log import peer_tokens
from api.services.node import Node
from api.services.road import thread_comparison
from api.services.road.thread_comparison import SharedThreads
from api.web.answers import Answer
from api.web.deps import NodeOf
from api.web.routing import ActionRouter
from api.web.use_case_threads import run

router = ActionRouter(tags=["peer"])


def _served(node: Node, token: str, request_id: str, after: str) -> SharedThreads:
    ministry = peer_tokens.verify(node, token, thread_comparison.PATH)
    caller = peer_caller(node, ministry, request=request_id)
    return thread_comparison.serve(node, caller, thread_comparison.cursor_of(after))


@router.route_for(
    "GET",
    "/peer/threads",
    Action.MESSAGE_FETCH,
    operation_id="read_shared_threads",
    response_description="Heads and state digests of shared threads.",
)
async def shared(
    request: Request,
    node: NodeOf,
    after: Annotated[str, Query(max_length=71)] = "",
) -> Answer[SharedThreads]:
    """Return heads, void statements and state digest of each thread shared with the asker."""
    token = peer_tokens.token_in(request.headers.get("authorization", ""))
    if token is None:
        raise NotSignedIn("peer-token.missing", "Only members' nodes compare threads.")
    request_id = request.state.request_id
    found = await run(_served, node, token, request_id, after)
    return Answer(found, headers={"vary": "authorization"})
