"""Shapes that several REST modules answer with: read models as JSON.

Owns the one way from a use case's read model to a document: members by their names, empty ones left
out, so that no module spells a document a second time.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from fastapi.responses import JSONResponse

from api.services.statements.draft_form import DraftView


def document(view: Any) -> dict[str, Any]:
    """Return a read model's members as JSON; ``None`` is left out, ``tag`` goes into the ETag."""
    members = {
        field.name: _plain(getattr(view, field.name))
        for field in dataclasses.fields(view)
        if field.name not in {"tag", "place"}
    }
    return {name: value for name, value in members.items() if value is not None}


def _plain(value: Any) -> Any:
    if hasattr(value, "to_json"):
        return value.to_json()
    if dataclasses.is_dataclass(value):
        return document(value)
    if isinstance(value, Mapping):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, AbstractSet):
        return sorted(_plain(part) for part in value)
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value


def answer(view: Any, status: int = 200) -> JSONResponse:
    """Return a read model with its entity tag, if it has one."""
    headers = {"cache-control": "no-store"}
    tag = getattr(view, "tag", None)
    if tag is not None:
        headers["etag"] = f'"{tag}"'
    return JSONResponse(document(view), status_code=status, headers=headers)


if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def members(found: "DataclassInstance") -> dict[str, Any]:
    """Return the members of a read model that are not empty, those of its parts included."""
    return {name: value for name, value in asdict(found).items() if value is not None}


def page(items: Sequence[dict[str, Any]], following: str | None) -> JSONResponse:
    """Return one page of a list; ``next`` and the Link header carry the cursor."""
    content: dict[str, Any] = {"items": list(items)}
    headers = {"cache-control": "no-store"}
    if following is not None:
        content["next"] = following
        headers["link"] = f'<?cursor={following}>; rel="next"'
    return JSONResponse(content, headers=headers)


def created_draft(draft: DraftView) -> JSONResponse:
    """Return a draft that was just made, with its place."""
    made = answer(draft, 201)
    made.headers["location"] = f"/api/v1/drafts/{draft.id}"
    return made
