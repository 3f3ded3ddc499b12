"""Shapes that several REST modules answer with."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from fastapi.responses import JSONResponse

from api.services.statements.draft_form import Draft

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    """Return a row's members that are not bytes and not empty."""
    return {
        name: value
        for name, value in row.items()
        if value is not None and not isinstance(value, bytes | memoryview)
    }


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


def draft_view(draft: Draft) -> dict[str, Any]:
    """Return a draft as its officers see it."""
    row, content = draft.row, draft.content
    view = {
        "id": row["id"],
        "type": row["type"],
        "state": row["state"],
        "version": row["version"],
        "digest": row["digest"],
        "to": list(content.to),
        "thread": row["thread"],
        "about": row["about"],
        "body": dict(content.body),
        "prepared": draft.prepared.to_json(),
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "confirm_by": row["confirm_by"],
        "confirmed_by": row["confirmed_by"],
        "return_reason": row["return_reason"],
        "statement": row["statement"],
    }
    return {name: value for name, value in view.items() if value is not None}


def draft_answer(draft: Draft, status: int = 200) -> JSONResponse:
    """Return a draft with its entity tag."""
    return JSONResponse(draft_view(draft), status_code=status, headers={"etag": f'"{draft.tag}"'})


def created_draft(draft: Draft) -> JSONResponse:
    """Return a draft that was just made, with its place."""
    answer = draft_answer(draft, 201)
    answer.headers["location"] = f"/api/v1/drafts/{draft.row['id']}"
    return answer
