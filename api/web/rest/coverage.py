"""Coverage over REST: who lists whom, since when, with what lag."""

from typing import Annotated

from fastapi import Query
from fastapi.responses import JSONResponse

from api.ports.policy import Action
from api.services.desk import coverage
from api.web.deps import NodeOf
from api.web.principals import OfficerOf
from api.web.routing import ActionRouter, run

router = ActionRouter(prefix="/api/v1", tags=["coverage"])
_JURISDICTION = "[A-Z]{2,8}(-[A-Z0-9]{1,8})?"
_DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
Day = Annotated[str | None, Query(pattern=f"^{_DAY}$")]


@router.route_for("GET", "/coverage", Action.COVERAGE_READ, operation_id="read_coverage")
async def compare(
    node: NodeOf,
    caller: OfficerOf,
    base: Annotated[
        str, Query(pattern=rf"^{_JURISDICTION}(:[0-9]{{4}}(-[0-9]{{2}}(-[0-9]{{2}})?)?)?$")
    ],
    jurisdiction: Annotated[str, Query(pattern=f"^{_JURISDICTION}$")],
    as_of: Day = None,
) -> JSONResponse:
    """Say how far one jurisdiction had followed another's listings on a day, from statements."""
    found = await run(coverage.compare, node, caller, base, jurisdiction, as_of)
    return JSONResponse(found, headers={"cache-control": "no-store"})


@router.route_for("GET", "/coverage/board", Action.COVERAGE_READ, operation_id="read_board")
async def board(node: NodeOf, caller: OfficerOf, as_of: Day = None) -> JSONResponse:
    """Show every listed subject against every jurisdiction on a day."""
    found = await run(coverage.board, node, caller, as_of)
    return JSONResponse(found, headers={"cache-control": "no-store"})
