"""Releases taken back before they reach their recipient, over REST."""

from dataclasses import asdict

from fastapi.responses import JSONResponse

from api.ports.policy import Action
from api.services.desk import withdrawing
from api.web.deps import NodeOf
from api.web.principals import OfficerOf
from api.web.routing import ActionRouter, run

router = ActionRouter(prefix="/api/v1", tags=["packages"])


@router.route_for(
    "POST",
    "/packages/{package_id}/releases/{release}/withdraw",
    Action.PACKAGE_RETURN,
    operation_id="withdraw_release",
)
async def withdraw(package_id: str, release: str, node: NodeOf, caller: OfficerOf) -> JSONResponse:
    """Take a release back before it reaches its recipient; says how far it had come."""
    found = await run(withdrawing.withdraw, node, caller, package_id, release)
    return JSONResponse(asdict(found), headers={"cache-control": "no-store"})
