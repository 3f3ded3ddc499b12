"""The web application: mounts the doors on one node.

Owns the order of middleware, the doors and the error handler; no business rule.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

import anyio.to_thread
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api import __version__
from api.domain.errors import ComityError
from api.ports.identity import TokenVerifier
from api.services.node import Node
from api.tlog.errors import LogError
from api.web import docs_page, problems
from api.web.deps import Doors
from api.web.hardening import Hardening
from api.web.peer import messages
from api.web.rest import audit, audit_export, drafts, exhibits, officers, packages, public
from api.web.rest import node as node_routes
from api.wire.errors import WireError

ROUTERS = (
    public.router,
    docs_page.router,
    packages.router,
    exhibits.router,
    drafts.router,
    officers.router,
    audit.router,
    audit_export.router,
    node_routes.router,
    messages.router,
)
_HTTP_CODES = {404: "route.unknown", 405: "method.not-allowed"}


class Background(Protocol):
    """Work that runs beside the application in the same process (``api.worker.Worker``)."""

    def start(self) -> None:
        """Begin."""
        ...

    def stop(self) -> None:
        """End after the pieces of work at hand."""
        ...


def create_app(
    node: Node,
    tokens: TokenVerifier,
    *,
    public_url: str,
    background: Background | None = None,
) -> FastAPI:
    """Return the application of one node.

    Args:
        node: the node.
        tokens: verifier of officers' access tokens.
        public_url: address under which officers and partners reach it.
        background: jobs to run in this process, or ``None`` where workers run apart.
    """

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        if background is not None:
            background.start()
        try:
            yield
        finally:
            if background is not None:
                await anyio.to_thread.run_sync(background.stop)

    app = FastAPI(
        title="Comity",
        version=__version__,
        description="Federated exchange of signed evidence packages and mirror requests.",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=lifespan,
    )
    app.state.doors = Doors(node, tokens, public_url)
    for router in ROUTERS:
        app.include_router(router)
    app.add_middleware(Hardening, entropy=node.entropy)
    for kind in (ComityError, WireError, LogError, Exception):
        app.add_exception_handler(kind, _refusal)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _http)
    return app


async def _refusal(request: Request, error: Exception) -> Response:
    return problems.answer(request, error)


async def _malformed(request: Request, error: Exception) -> Response:
    """Answer parameters that do not fit their declaration, naming them without their values."""
    faults = error.errors() if isinstance(error, RequestValidationError) else []
    where = [{"parameter": "/".join(str(part) for part in fault["loc"][1:])} for fault in faults]
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


async def _http(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    code = _HTTP_CODES.get(status, f"http.{status}")
    return problems.problem(request, status, code, "There is nothing to do this at this address.")
