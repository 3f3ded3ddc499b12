"""Short references over REST."""

from typing import Annotated

from fastapi import Path

from api.ports.policy import Action
from api.services.desk import references
from api.services.desk.references import Reference
from api.web import answers
from api.web.answers import Answer, Page
from api.web.deps import NodeOf
from api.web.principals import OfficerOf
from api.web.routing import ActionRouter
from api.web.use_case_threads import run

router = ActionRouter(prefix="/api/v1/references", tags=["public"])
Prefix = Annotated[str, Path(pattern="^(sha256:)?[A-Za-z0-9_-]{8,64}$")]


@router.route_for(
    "GET",
    "/{prefix}",
    Action.ME_READ,
    operation_id="find_reference",
    response_description="What the caller may know of; several where the prefix is not unique.",
)
async def find_reference(
    prefix: Prefix, node: NodeOf, caller: OfficerOf
) -> Answer[Page[Reference]]:
    """Return what the first characters of an id name, among what the caller may know of."""
    return answers.page(await run(references.find_references, node, caller, prefix))
