"""Releases taken back before they reach their recipient, over REST."""

from api.ports.policy import Action
from api.services.desk import withdrawing
from api.services.desk.withdrawing import Withdrawal
from api.web.answers import Answer
from api.web.deps import NodeOf
from api.web.principals import OfficerOf
from api.web.routing import ActionRouter
from api.web.use_case_threads import run

router = ActionRouter(prefix="/api/v1", tags=["packages"])


@router.route_for(
    "POST",
    "/packages/{package_id}/releases/{release}/withdraw",
    Action.PACKAGE_RETURN,
    operation_id="withdraw_release",
    response_description="The release, and how far it had come.",
)
async def withdraw(
    package_id: str, release: str, node: NodeOf, caller: OfficerOf
) -> Answer[Withdrawal]:
    """Take a release back before it reaches its recipient; says how far it had come."""
    return Answer(await run(withdrawing.withdraw, node, caller, package_id, release))
