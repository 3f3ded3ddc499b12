"""Routes that must say which action they need, and the thread in which use cases run.

Owns the rule that no route exists without a declared action: :class:`ActionRouter` refuses to
register one, and ``tests/architecture`` walks the routes.
"""

import asyncio
import contextvars
import difflib
import functools
import itertools
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, Protocol, TypeVar, get_origin
from weakref import WeakKeyDictionary

from fastapi import APIRouter, FastAPI, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from api.domain.errors import Invalid
from api.ports.policy import Action
from api.services.authorising import Caller
from api.web.calling import Calling
from api.web.preconditions import DECIDES, IfMatch
from api.web.problems import STATUSES
from api.web.tags import DESCRIPTIONS

T = TypeVar("T")
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
# A few threads are enough for what runs at once on the processors of one process: more of them only
# take the interpreter's lock from each other. About half of them wait for a commit, so that two
# thirds for one officer keep the processors at work, and four are left for everybody else.
_WORKERS: Final = 12
_SHARE: Final = 8


class Resolvable(Protocol):
    """An argument that becomes its value in the worker thread."""

    def resolve(self) -> Any:
        """Return the value."""
        ...


def _call(use_case: Callable[..., T], arguments: Sequence[Any], members: Mapping[str, Any]) -> T:
    resolved = [each.resolve() if hasattr(each, "resolve") else each for each in arguments]
    return use_case(*resolved, **members)


class _Threads:
    """The threads of the use cases, each caller's share of them, and how long somebody waits."""

    def __init__(self) -> None:
        # They end when nobody holds this object any more.
        self._pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="comity-use-case")
        self._shares: dict[str, tuple[asyncio.Semaphore, int]] = {}
        self._waiting: dict[int, float] = {}
        self._numbers = itertools.count()

    def longest_wait(self) -> float:
        """Return for how many seconds the use case that waits longest has waited for a thread."""
        # Insertion order is order of arrival; another thread may change it meanwhile.
        first = next(iter(self._waiting.copy().values()), None)
        return 0.0 if first is None else time.monotonic() - first

    async def run(self, work: Callable[[], T], caller: str) -> T:
        """Run work in a thread; a caller has at most a share of them and waits for more."""
        if not caller:
            return await self._in_turn(work)
        share, users = self._shares.get(caller) or (asyncio.Semaphore(_SHARE), 0)
        self._shares[caller] = share, users + 1
        try:
            async with share:
                return await self._in_turn(work)
        finally:
            share, users = self._shares[caller]
            if users == 1:
                del self._shares[caller]
            else:
                self._shares[caller] = share, users - 1

    async def _in_turn(self, work: Callable[[], T]) -> T:
        number, context = next(self._numbers), contextvars.copy_context()
        self._waiting[number] = time.monotonic()

        def begun() -> T:
            self._waiting.pop(number, None)
            return context.run(work)

        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, begun)
        finally:
            self._waiting.pop(number, None)


# What waits in one event loop cannot be woken from another: each has threads of its own. A node
# has one loop.
_THREADS: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, _Threads]] = WeakKeyDictionary()


def _threads() -> _Threads:
    return _THREADS.setdefault(asyncio.get_running_loop(), _Threads())


def longest_wait() -> float:
    """Return for how many seconds the use case that waits longest has waited for a thread."""
    return max((each.longest_wait() for each in list(_THREADS.values())), default=0.0)


async def run(use_case: Callable[..., T], *arguments: Any, **members: Any) -> T:
    """Run a synchronous use case in a worker thread and wait for its end (its commit)."""
    caller = next((each.person for each in arguments if isinstance(each, Caller | Calling)), "")
    return await _threads().run(functools.partial(_call, use_case, arguments, members), caller)


async def run_for_strangers(use_case: Callable[..., T], *arguments: Any, **members: Any) -> T:
    """Run the use case of a door without token; all such callers together have one share.

    Whoever they are is known when their signatures are verified, which is the use case's work.
    """
    return await _threads().run(
        functools.partial(_call, use_case, arguments, members), "a door without token"
    )


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
