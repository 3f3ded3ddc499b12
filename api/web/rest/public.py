"""What anyone may read: liveness, readiness, and the node's public identity."""

import anyio.to_thread
from fastapi import Request
from fastapi.responses import JSONResponse

from api import __version__
from api.domain.log_trust import log_verifiers, witness_verifiers
from api.services.operations.readiness import Readiness
from api.web.deps import DoorsOf
from api.web.routing import PUBLIC, ActionRouter

router = ActionRouter(tags=["public"])


@router.route_for("GET", "/healthz", PUBLIC, operation_id="healthz")
async def healthz() -> JSONResponse:
    """Say that the process answers."""
    return JSONResponse({"status": "ok"})


@router.route_for("GET", "/readyz", PUBLIC, operation_id="readyz")
async def readyz(request: Request) -> JSONResponse:
    """Say whether this node can do its work now: each check by name."""
    readiness: Readiness = request.app.state.readiness
    # Not among the threads of the use cases: those may all be waiting for what is not ready.
    found = await anyio.to_thread.run_sync(readiness.now)
    return JSONResponse(
        {
            "status": "ready" if found.ready else "not-ready",
            "checks": found.checks,
            "details": found.details,
        },
        status_code=200 if found.ready else 503,
    )


@router.route_for("GET", "/.well-known/comity.json", PUBLIC, operation_id="read_node")
async def well_known(doors: DoorsOf) -> JSONResponse:
    """Return ministry, versions, keys, log origin and verifier keys, endpoints."""
    node, member = doors.node, doors.node.me
    return JSONResponse(
        {
            "ministry": member.id,
            "jurisdiction": member.jurisdiction,
            "name": member.name,
            "software": f"comity/{__version__}",
            "protocol": "1",
            "membership": {"serial": node.membership.serial, "digest": node.membership.digest},
            "keys": [key.to_json() for key in member.keys],
            "log": {
                "origin": member.origin,
                "vkeys": [key.format() for key in log_verifiers(member)],
                "witness_vkeys": [key.format() for key in witness_verifiers(member)],
            },
            "endpoints": {
                "api": f"{doors.public_url}/api/v1",
                "messages": f"{doors.public_url}/peer/messages",
                "log": f"{doors.public_url}/log",
            },
        },
        headers={"cache-control": "public, max-age=60"},
    )
