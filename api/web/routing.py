"""Routes that must say which action they need.

Owns the rule that no route exists without a declared action: :class:`ActionRouter` refuses to
register one, and ``tests/architecture`` walks the routes.
"""

import difflib
import functools
from collections.abc import Callable, Coroutine, Iterable, Iterator
from typing import Any, Final, get_origin

from fastapi import APIRouter, FastAPI, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from api.domain.errors import Invalid
from api.ports.policy import Action
from api.web.preconditions import DECIDES, IfMatch
from api.web.problems import STATUSES
from api.web.tags import DESCRIPTIONS

PUBLIC: Final = "public"
SIGNED_MESSAGE: Final = "signed-message"
_CREATED: Final = 201
_NO_CONTENT: Final = 204
_IF_MATCH: Final = {
    "name": "If-Match",
    "in": "header",
    "required": True,
    "description": "The `ETag` of the version that was read.",
    "schema": {"type": "string"},
}
_DIGEST_READ: Final = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "description": "The digest that was read, in quotes: another one is refused.",
    "schema": {"type": "string"},
}
_IDEMPOTENCY_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "1 to 200 visible ASCII characters; the same call again gets the same answer, "
    "another call under the same key is refused.",
    "schema": {"type": "string", "pattern": "^[\\x21-\\x7e]{1,200}$"},
}


class KnownQuery(APIRoute):
    """A route that refuses query parameters it does not know.

    One that is ignored looks obeyed: a misspelt filter would answer with every row.
    """

    @override
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler with the check in front of it."""
        handle = super().get_route_handler()
        known = frozenset(_query_names(self.dependant))

        async def checked(request: Request) -> Response:
            _require_known(request, known)
            return await handle(request)

        return checked

    @override
    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call a handler that takes the request alone as it is; all others as the framework does.

        Looking for parameters that there are not costs as much as reading the request.
        """
        if not _takes_request_alone(self.endpoint) or scope["method"] not in (self.methods or ()):
            await super().handle(scope, receive, send)
            return
        request = Request(scope, receive, send)
        _require_known(request, frozenset())
        response: Response = await self.endpoint(request)
        await response(scope, receive, send)


def _require_known(request: Request, known: frozenset[str]) -> None:
    if request.scope["query_string"]:
        for name in request.query_params:
            if name not in known:
                raise _unknown_parameter(name, known)


@functools.cache
def _takes_request_alone(endpoint: Callable[..., Any]) -> bool:
    """Tell whether a handler's one parameter is the request, and a response what it returns."""
    declared = dict(endpoint.__annotations__)
    made = declared.pop("return", None)
    made = get_origin(made) or made
    answers = isinstance(made, type) and issubclass(made, Response)
    return answers and list(declared.values()) == [Request]


def _query_names(dependant: Dependant) -> Iterator[str]:
    yield from (parameter.alias for parameter in dependant.query_params)
    for below in dependant.dependencies:
        yield from _query_names(below)


def _unknown_parameter(name: str, known: frozenset[str]) -> Invalid:
    """Return the refusal; it names what is known here, never what was sent."""
    nearest = difflib.get_close_matches(name, known, n=1)
    if nearest:
        said = f"There is no such query parameter here; the nearest is {nearest[0]}."
    elif known:
        said = f"There is no such query parameter here; there are {', '.join(sorted(known))}."
    else:
        said = "This address takes no query parameters."
    return Invalid("query.unknown", said, parameters=sorted(known))


class ActionRouter(APIRouter):
    """A router whose every route names the policy action that guards it.

    Args:
        options: passed to FastAPI; ``route_class`` for a door that reads query parameters itself
            (a browser's address bar, a sign-in service's answer).
    """

    def __init__(self, **options: Any) -> None:
        for tag in options.get("tags", ()):
            if tag not in DESCRIPTIONS:
                message = f"describe the tag {tag!r} in api/web/tags.py"
                raise ValueError(message)
        super().__init__(**{"route_class": KnownQuery, **options})

    def route_for(
        self,
        method: str,
        path: str,
        action: Action | str,
        **options: Any,
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Register a route.

        Args:
            method: HTTP method.
            path: path template below the router's prefix.
            action: the policy action the use case asks for, ``PUBLIC`` or ``SIGNED_MESSAGE``.
            options: passed to FastAPI; beside them ``body``, the model that the handler checks the
                body with, and ``keyed=False`` for a creation that takes no ``Idempotency-Key``.
        """
        extra = dict(options.pop("openapi_extra", {}) or {})
        extra["x-comity-action"] = str(action)
        # Every call that makes something may be repeated under a key (DESIGN §9).
        keyed = options.pop("keyed", method == "POST" and options.get("status_code") == _CREATED)
        body: type[BaseModel] | None = options.pop("body", None)
        if body is not None:
            extra["requestBody"] = {
                "required": True,
                "content": {"application/json": {"schema": _schema(body)}},
            }
        responses = {**PROBLEMS, **options.pop("responses", {})}
        if options.get("status_code") == _NO_CONTENT:
            # What has no content names no media type either (RFC 9110 §8.3).
            options["response_class"] = Response

        def register(endpoint: Callable[..., Any]) -> Callable[..., Any]:
            tagged = IfMatch in endpoint.__annotations__.values()
            headers = [*([_IF_MATCH] if tagged else []), *([_IDEMPOTENCY_KEY] if keyed else [])]
            if DECIDES.search(path):
                headers.append(_DIGEST_READ)
            if headers:
                extra["parameters"] = [*extra.get("parameters", ()), *headers]
            return self.api_route(
                path,
                methods=[method],
                openapi_extra=extra,
                responses=responses,
                response_model=None,
                **options,
            )(endpoint)

        return register


def add_routes(app: FastAPI, routers: Iterable[APIRouter]) -> None:
    """Let an application serve the routes of routers as they are.

    ``include_router`` would read every handler's signature once more, for each application and with
    the first request: half a second, and the memory of a second copy.
    """
    for router in routers:
        app.router.routes.extend(router.routes)


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    """Return a model's schema with its definitions inline, as OpenAPI 3.1 allows."""
    schema = model.model_json_schema()
    definitions = schema.pop("$defs", {})

    def inline(value: Any) -> Any:
        if isinstance(value, dict):
            reference = value.get("$ref")
            if isinstance(reference, str):
                return inline(definitions[reference.rsplit("/", 1)[1]])
            return {name: inline(part) for name, part in value.items()}
        if isinstance(value, list):
            return [inline(part) for part in value]
        return value

    inlined: dict[str, Any] = inline(schema)
    return inlined


_PROBLEM_SCHEMA = {
    "type": "object",
    "required": ["type", "title", "status", "code", "detail", "instance"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "policies": {"type": "array", "items": {"type": "string"}},
    },
}
PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {
        "description": "A refusal (RFC 9457); `code` is stable.",
        "content": {"application/problem+json": {"schema": _PROBLEM_SCHEMA}},
    }
    for status in STATUSES
}
