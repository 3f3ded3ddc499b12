"""What routes answer with: a read model, typed, so that the route says what is in its answer.

Owns the headers that every such answer has. A route whose return annotation is
``Answer[DraftView]`` answers with that and nothing else (the type checker sees to it), and
``tools/openapi.py`` writes its OpenAPI from the same annotation; ``api/web/shapes.py`` says how the
type becomes JSON.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Generic, TypeVar, get_args, get_origin

from fastapi.responses import JSONResponse
from typing_extensions import override

from api.domain.notation import Cursor
from api.web import shapes

T = TypeVar("T")


class Answer(JSONResponse, Generic[T]):
    """A read model as JSON; its ``tag``, if it has one, is the ETag.

    Args:
        view: the read model.
        status_code: HTTP status.
        headers: more headers; ``cache-control`` is ``no-store`` unless it is given.
    """

    def __init__(
        self, view: T, status_code: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        made = {"cache-control": "no-store", **(headers or {})}
        tag = getattr(view, "tag", None)
        if tag is not None:
            made["etag"] = f'"{tag}"'
        super().__init__(shapes.document(view), status_code, made)

    @override
    def render(self, content: Any) -> bytes:
        """Return compact JSON in UTF-8."""
        return json.dumps(
            content,
            ensure_ascii=False,
            allow_nan=False,
            separators=(",", ":"),
            default=shapes.plain,
        ).encode()


class Created(Answer[T]):
    """A read model that was just made, with the address of what it shows.

    Args:
        view: the read model.
        place: path at which it can be read.
    """

    def __init__(self, view: T, place: str) -> None:
        super().__init__(view, 201, {"location": place})


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list; without ``next`` it is the last."""

    items: Sequence[T]
    next: Cursor | None = None


def page(items: Sequence[T], following: str | None = None) -> Answer[Page[T]]:
    """Return one page of a list; ``next`` and the Link header carry the cursor."""
    headers = {} if following is None else {"link": f'<?cursor={following}>; rel="next"'}
    return Answer(Page(items, following), headers=headers)


@dataclass(frozen=True, slots=True)
class Declared:
    """What a route declares of its answer.

    Attributes:
        form: type of the read model.
        placed: whether the answer says where the thing can be read.
    """

    form: Any
    placed: bool

    @property
    def headers(self) -> dict[str, str]:
        """Names and meanings of the headers that a client uses."""
        said = {}
        if is_dataclass(self.form) and any(one.name == "tag" for one in fields(self.form)):
            said["ETag"] = "Of this state; a change that takes `If-Match` takes it there."
        if self.placed:
            said["Location"] = "Where it can be read."
        return said


def declared_answer(endpoint: Any) -> Declared | None:
    """Return what a route's handler declares; ``None`` where it answers with no JSON of ours."""
    made = getattr(endpoint, "__annotations__", {}).get("return")
    origin = get_origin(made)
    if not (isinstance(origin, type) and issubclass(origin, Answer)):
        return None
    return Declared(get_args(made)[0], issubclass(origin, Created))
