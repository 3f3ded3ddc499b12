"""The web application: mounts the doors on one node.

Owns the order of middleware, the doors and the error handler; no business rule.
"""

import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, Protocol

import anyio.to_thread
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute, iter_route_contexts
from fastapi.telemetry import TelemetryConfig
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api import __version__
from api.domain.errors import ComityError, Full, Unavailable
from api.jobs.loop import Loop, Pace
from api.ports.identity import RelyingParty, TokenVerifier
from api.ports.observing import UNOBSERVED, Observer
from api.services.log import remembering
from api.services.node import Node
from api.services.operations import refusals
from api.services.operations.readiness import Bounds, Readiness
from api.services.operations.refusals import AnonymousRefusals
from api.tlog.errors import LogError
from api.web import docs_page, problems
from api.web.deps import Doors
from api.web.hardening import Hardening
from api.web.intake import Allowance, Intake
from api.web.log import reading, submitting
from api.web.peer import messages
from api.web.peer import threads as shared_threads
from api.web.rest import (
    audit,
    audit_export,
    audit_work,
    coverage,
    delegations,
    described_entities,
    designations,
    diary,
    drafts,
    exhibits,
    keys,
    list_entities,
    lists,
    memberships,
    mirror_requests,
    misbehaviour,
    officers,
    packages,
    parked,
    proposals,
    public,
    references,
    regimes,
    subjects,
    tasks,
    uploads,
    watches,
    withdrawals,
)
from api.web.rest import node as node_routes
from api.web.routing import add_routes
from api.web.spool import Spool
from api.web.use_case_threads import longest_wait
from api.wire.errors import WireError

ROUTERS = (
    public.router,
    docs_page.router,
    packages.router,
    exhibits.router,
    uploads.router,
    drafts.router,
    mirror_requests.router,
    proposals.router,
    designations.router,
    diary.router,
    subjects.router,
    watches.router,
    coverage.router,
    lists.router,
    list_entities.router,
    described_entities.router,
    references.router,
    regimes.router,
    tasks.router,
    delegations.router,
    officers.router,
    keys.router,
    memberships.router,
    audit.router,
    audit_export.router,
    audit_work.router,
    node_routes.router,
    misbehaviour.router,
    parked.router,
    withdrawals.router,
    messages.router,
    shared_threads.router,
    reading.router,
    submitting.router,
)
_log = logging.getLogger(__name__)
_LOOP_END_SECONDS: Final = 5.0
# The framework would hand query strings and exception texts to whatever OpenTelemetry provider it
# finds in the process or the environment. Our own traces are adapters/observing/tracing's.
_NO_TELEMETRY: Final[TelemetryConfig] = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}
_HTTP_CODES = {404: "route.unknown", 405: "method.not-allowed"}


@dataclass(frozen=True, slots=True)
class Edge:
    """What this process takes from callers, and where it waits until a use case takes it.

    Attributes:
        spool: folder of bodies and unfinished uploads; ``None`` for one of this process's own that
            goes with it.
        exhibit_limit: largest exhibit in bytes.
        allowance: places and pace of bodies.
        bounds: what still counts as ready.
    """

    spool: Path | None = None
    exhibit_limit: int = 64 * 1024**3
    allowance: Allowance = field(default_factory=Allowance)
    bounds: Bounds = field(default_factory=Bounds)


_EDGE: Final = Edge()


class Background(Protocol):
    """Work that runs beside the application in the same process (``api.worker.Worker``)."""

    def start(self) -> None:
        """Begin."""
        ...

    def stop(self) -> None:
        """End after the pieces of work at hand."""
        ...


def create_app(  # noqa: PLR0913 - the parts of one application, each named
    node: Node,
    tokens: TokenVerifier,
    *,
    public_url: str,
    background: Background | None = None,
    observer: Observer = UNOBSERVED,
    edge: Edge = _EDGE,
    relying_party: RelyingParty | None = None,
) -> FastAPI:
    """Return the application of one node.

    Args:
        node: the node.
        tokens: verifier of officers' access tokens.
        public_url: address under which officers and partners reach it.
        background: jobs to run in this process, or ``None`` where workers run apart.
        observer: watches requests.
        edge: what callers may send, where it waits, and what still counts as ready.
        relying_party: the console's side of the sign-in service; without one there is no console.
    """
    spool = Spool(edge.spool)
    strangers = AnonymousRefusals()
    app = FastAPI(
        title="Comity",
        version=__version__,
        description="Federated exchange of signed evidence packages and mirror requests.",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=_lifespan(node, background, strangers, spool, hears=relying_party is not None),
        # A redirect to another spelling would be made of the Host header that the caller sent.
        redirect_slashes=False,
        telemetry=_NO_TELEMETRY,
    )
    intake = Intake(edge.allowance)
    app.state.doors = Doors(node, tokens, public_url, intake, spool, edge.exhibit_limit)
    # What would be waited for at the end of the process: bodies that still come, and open feeds.
    app.state.endings = [intake.close]
    app.state.readiness = Readiness(node, edge.bounds, longest_wait)
    add_routes(app, ROUTERS)
    if relying_party is not None:
        # Templates, tongues and pages are a quarter of all there is to import.
        from api.web.console import door as console_door
        from api.web.console.sessions import Console

        console_door.mount(app, Console(relying_party, public_url, node.ministry))
    app.add_middleware(Hardening, entropy=node.entropy, observer=observer, refusals=strangers)
    for kind in (ComityError, WireError, LogError, Exception):
        app.add_exception_handler(kind, _refusal)
    app.add_exception_handler(RequestValidationError, _malformed_request)
    app.add_exception_handler(HTTPException, _http)
    return app


def _lifespan(
    node: Node,
    background: Background | None,
    strangers: AnonymousRefusals,
    spool: Spool,
    *,
    hears: bool,
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """Return what starts before the first request and ends after the last."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        # Before any door is open: a database that went back in time signs nothing.
        await anyio.to_thread.run_sync(remembering.check, node)
        counting = _start_counting(node, strangers)
        if background is not None:
            background.start()
        elif hears:
            # Jobs that run elsewhere tell what they commit.
            node.db.listen()
        try:
            yield
        finally:
            if background is not None:
                await anyio.to_thread.run_sync(background.stop)
            elif hears:
                await anyio.to_thread.run_sync(node.db.end_listening)
            await anyio.to_thread.run_sync(_end_counting, counting, node, strangers)
            spool.close()

    return lifespan


def _start_counting(node: Node, strangers: AnonymousRefusals) -> Loop:
    """Start recording, once a minute, how many callers were refused whom nobody knows."""
    loop = Loop("refusals", partial(strangers.record, node), None, Pace(refusals.EVERY))
    loop.start()
    return loop


def _end_counting(loop: Loop, node: Node, strangers: AnonymousRefusals) -> None:
    loop.stop()
    loop.join(_LOOP_END_SECONDS)
    try:
        strangers.record(node)
    except (Unavailable, Full) as error:
        _log.warning("refusals not recorded", extra={"code": error.code})


async def _refusal(request: Request, error: Exception) -> Response:
    return problems.answer(request, error)


async def _malformed_request(request: Request, error: Exception) -> Response:
    """Answer parameters that do not fit their declaration, naming them without their values."""
    faults = error.errors() if isinstance(error, RequestValidationError) else []
    where = [_parameter_fault(fault) for fault in faults]
    in_path = any(fault["loc"] and fault["loc"][0] == "path" for fault in faults)
    if in_path:
        return problems.problem(request, 404, "route.unknown", "There is nothing at this address.")
    return problems.problem(
        request,
        422,
        "query.invalid",
        "A parameter is not of the documented form.",
        {"errors": where},
    )


def _parameter_fault(fault: Mapping[str, Any]) -> dict[str, str]:
    """Return which parameter it is, and the words that it takes where there is a list of them."""
    named = {"parameter": "/".join(str(part) for part in fault["loc"][1:]), "fault": fault["type"]}
    expected = fault.get("ctx", {}).get("expected")
    return named if expected is None else named | {"allowed": str(expected)}


async def _http(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    code = _HTTP_CODES.get(status, f"http.{status}")
    if status != HTTPStatus.METHOD_NOT_ALLOWED:
        return problems.problem(request, status, code, "There is nothing at this address.")
    allowed = ", ".join(_methods_here(request))
    answer = problems.problem(request, status, code, f"This address answers to {allowed}.")
    answer.headers["allow"] = allowed
    return answer


def _methods_here(request: Request) -> list[str]:
    """Return the methods of all routes with the path of a request (RFC 9110 §15.5.6).

    The framework names those of the first one only, and here every method has its own route.
    """
    app: FastAPI = request.app
    fitting = [
        context.original_route
        for context in iter_route_contexts(app.routes)
        if isinstance(context.original_route, APIRoute)
        and context.original_route.path_regex.match(request.url.path)
    ]
    return sorted({method for route in fitting for method in route.methods or ()})
