"""A small client of a node's REST interface, with the profile's token.

Owns requests, the one renewal of a token that the node refuses, and the way from problem documents
(RFC 9457) back to refusals. Must not print, and knows no command.
"""

import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx2

from api.adapters.system import SystemClock
from api.cli import tongue
from api.cli.profiles import CliContext, Profile, ProfileStore
from api.domain import errors
from api.domain.errors import ComityError, NotFound, Refused, Unavailable

Body = Callable[[], Iterator[bytes]]
"""Gives a request's bytes from the start, as often as it is sent."""

_PREFIX: Final = "/api/v1"
_TIMEOUT: Final = httpx2.Timeout(120.0, connect=10.0)
_CHUNK: Final = 1024 * 1024
_LARGEST_PAGE: Final = 200
_MOST_VALUES: Final = 5_000_000  # of our own node's lists
_PROBLEM_MEMBERS: Final = frozenset({"type", "title", "status", "code", "detail", "policies"})
_UNAUTHORISED: Final = 401
_KINDS: Final[Mapping[int, type[ComityError]]] = {
    401: errors.NotSignedIn,
    403: errors.Refused,
    404: errors.NotFound,
    409: errors.Conflict,
    408: errors.Unavailable,
    412: errors.Stale,
    413: errors.TooLarge,
    423: errors.Conflict,
    429: errors.Full,
    502: errors.Unavailable,
    503: errors.Unavailable,
    504: errors.Unavailable,
    507: errors.Full,
}


class Api:
    """A node as one signed-in person reaches it.

    Args:
        node: base URL of the node.
        tokens: returns an access token; given one that was refused, a new one.
        client: sends the requests; closed with this object.
    """

    def __init__(
        self, node: str, tokens: Callable[[str | None], str], client: httpx2.Client
    ) -> None:
        self._node = node.rstrip("/")
        self._tokens = tokens
        self._client = client
        self._me: dict[str, Any] | None = None

    @property
    def node(self) -> str:
        """Base URL of the node."""
        return self._node

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def get(self, path: str, **query: object) -> Any:
        """Read one document.

        Args:
            path: below ``/api/v1``.
            query: parameters; those that are None are left out, a list is sent as several.

        Raises:
            ComityError: the node's refusal, or ``node.unreachable``.
        """
        wanted = {
            name: list(map(str, value)) if isinstance(value, list) else str(value)
            for name, value in query.items()
            if value is not None
        }
        return _document(self.send("GET", path, params=wanted))

    def me(self) -> dict[str, Any]:
        """Return who the node says this person is, and whose node it is; asked once."""
        if self._me is None:
            self._me = self.get("/me")
        return self._me

    def items(self, path: str, limit: int, **query: object) -> dict[str, Any]:
        """Read a list, page after page.

        Args:
            path: below ``/api/v1``.
            limit: most items to return.
            query: parameters of the list.

        Returns:
            ``{items, next?}``; ``next`` is there when the list goes on behind them.
        """
        found: list[Any] = []
        cursor = query.pop("cursor", None)
        while True:
            room = min(limit - len(found), _LARGEST_PAGE)
            page = self.get(path, limit=room, cursor=cursor, **query)
            found += page["items"]
            cursor = page.get("next")
            if cursor is None or len(found) >= limit:
                return {"items": found} | ({} if cursor is None else {"next": cursor})

    def post(
        self,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        key: str = "",
        tag: str = "",
    ) -> Any:
        """Do something or create something.

        Args:
            path: below ``/api/v1``.
            body: JSON to send; None sends nothing.
            key: idempotency key; a fresh one otherwise.
            tag: entity tag that the object must still have.

        Returns:
            The answer's document, or None.
        """
        headers = {"idempotency-key": key or secrets.token_hex(16)}
        if tag:
            headers["if-match"] = tag
        return _document(self.send("POST", path, json=body, headers=headers))

    def get_tagged(self, path: str) -> tuple[Any, str]:
        """Read one document with the entity tag that a change of it must name."""
        answer = self.send("GET", path)
        return _document(answer), answer.headers.get("etag", "")

    def put(self, path: str, body: Mapping[str, Any], tag: str) -> Any:
        """Replace a document that is still the one with this entity tag.

        Raises:
            Stale: it changed meanwhile.
        """
        return _document(self.send("PUT", path, json=body, headers={"if-match": tag}))

    def holds_exhibit(self, digest: str) -> bool:
        """Say whether the node holds an exhibit.

        Raises:
            Refused: this person has nothing to do with exhibits.
        """
        path = f"/exhibits/{digest}"
        try:
            self.send("HEAD", path)
        except NotFound:
            return False
        except Refused:
            # An answer to HEAD has no body; this one says why, before any byte is uploaded.
            self.send("GET", path, headers={"range": "bytes=0-0"})
        return True

    def post_file(self, path: str, size: int, body: Body, **query: object) -> Any:
        """Send a file's bytes to a collection; returns the document that answers it."""
        headers = {"content-length": str(size), "content-type": "application/octet-stream"}
        known = {name: value for name, value in query.items() if value is not None}
        answer = self.send("POST", path, body=body, headers=headers, params=known)
        return _document(answer)

    def download(self, path: str, target: Path, advance: Callable[[int, int], None]) -> None:
        """Write an answer's bytes into a new file and onto the disk.

        Args:
            path: below ``/api/v1``.
            target: a file that is not there yet.
            advance: told of every piece: its size, and the whole's if the node said it, else 0.
        """
        with self._stream("GET", path) as answer:
            stated = answer.headers.get("content-length", "0")
            total = int(stated) if stated.isdigit() else 0
            with target.open("xb") as file:
                for piece in answer.iter_bytes(_CHUNK):
                    file.write(piece)
                    advance(len(piece), total)
                file.flush()
                os.fsync(file.fileno())

    def send(self, method: str, path: str, **request: Any) -> httpx2.Response:
        """Send one request and read its answer.

        Args:
            method: HTTP method.
            path: below ``/api/v1``.
            request: ``params``, ``json``, ``headers``; ``body`` gives bytes as often as it is sent.

        Raises:
            ComityError: the node's refusal, or ``node.unreachable``.
        """
        with self._stream(method, path, **request) as answer:
            answer.read()
            return answer

    @contextmanager
    def _stream(self, method: str, path: str, **request: Any) -> Iterator[httpx2.Response]:
        """Send with a token, once more with a new one if the first is refused."""
        token = self._tokens(None)
        try:
            with self._once(method, path, token, **request) as answer:
                if answer.status_code != _UNAUTHORISED:
                    yield _accepted(answer)
                    return
            with self._once(method, path, self._tokens(token), **request) as answer:
                yield _accepted(answer)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise Unavailable(
                "node.unreachable",
                f"The node at {self._node} does not answer ({type(error).__name__}).",
            ) from error

    @contextmanager
    def _once(
        self, method: str, path: str, token: str, *, body: Body | None = None, **request: Any
    ) -> Iterator[httpx2.Response]:
        headers = {**request.pop("headers", {}), "authorization": f"Bearer {token}"}
        headers["accept-language"] = tongue.accepted()
        if body is not None:
            request["content"] = body()
        url = f"{self._node}{_PREFIX}{path}"
        with self._client.stream(method, url, headers=headers, **request) as answer:
            yield answer


@contextmanager
def connected(context: CliContext) -> Iterator[Api]:
    """Reach the node of the chosen profile until the block ends.

    Raises:
        NotSignedIn: ``profile.none``, ``sign-in.needed``.
        NotFound: ``profile.unknown``.
        Invalid: ``profile.ambiguous``.
    """
    name, profile = profile_of(context)
    store = ProfileStore(context.home)

    def token(rejected: str | None) -> str:
        from api.cli.session import fresh_tokens

        return fresh_tokens(store, name, SystemClock(), rejected=rejected).access_token

    client = httpx2.Client(timeout=_TIMEOUT, follow_redirects=False, trust_env=False)
    api = Api(profile.node, token, client)
    try:
        yield api
    finally:
        api.close()


def profile_of(context: CliContext) -> tuple[str, Profile]:
    """Return the chosen profile and its name."""
    store = ProfileStore(context.home)
    name = store.choose(context.profile_name)
    return name, store.load(name)


def _accepted(answer: httpx2.Response) -> httpx2.Response:
    """Return an answer that is no refusal.

    Raises:
        ComityError: the refusal it is.
    """
    if answer.is_success:
        return answer
    answer.read()
    raise refusal_of(answer.status_code, answer.headers.get("content-type", ""), answer.content)


def refusal_of(status: int, media_type: str, content: bytes) -> ComityError:
    """Return the refusal that a problem document, or another error answer, stands for."""
    problem: dict[str, Any] = {}
    if media_type.startswith("application/problem+json"):
        from api.wire.canonical import parse
        from api.wire.errors import WireError

        try:
            parsed = parse(content, limit=_CHUNK)
            problem = parsed if isinstance(parsed, dict) else {}
        except WireError:
            pass  # not one of ours after all; answered as such below
    kind = _KINDS.get(status, errors.Invalid if status < 500 else ComityError)  # noqa: PLR2004
    code = problem.get("code")
    detail = problem.get("detail")
    if not isinstance(code, str) or not isinstance(detail, str):
        return kind(f"http.{status}", f"The node answered with status {status}.")
    extras = {name: value for name, value in problem.items() if name not in _PROBLEM_MEMBERS}
    policies = problem.get("policies")
    named = [str(each) for each in policies] if isinstance(policies, list) else []
    if named and kind in {errors.Refused, errors.NotFound}:
        return Refused(code, detail, tuple(named), **extras)
    if code.endswith(".stale"):
        kind = errors.Stale
    return kind(code, detail, **extras)


def _document(answer: httpx2.Response) -> Any:
    if not answer.content:
        return None
    from api.wire.canonical import parse

    return parse(answer.content, limit=_LARGEST_PAGE * _CHUNK, max_nodes=_MOST_VALUES)
