"""Write the OpenAPI document of the node's HTTP interface.

Usage, from the root of the repository:

    python -m tools.openapi            # write
    python -m tools.openapi --check    # exit 1 if a committed file differs

The document is made from the same routers that the application mounts, without starting a node,
and written three times: indented to ``docs/openapi.json``, which is the contract and is compared
in review; compactly, and as a page of plain HTML, to ``api/web/static/``, which travels with the
program and is what ``GET /docs`` answers. What an answer holds is read from the return annotation
of its route (``api/web/answers.py``). What no route can say about itself stands here: how one signs
in, and which roles a policy lets in.
"""

import json
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts

from api import __version__
from api.app import ROUTERS
from api.web import answers, shapes
from api.web.answers import Declared
from api.web.problems import MEANINGS, PROBLEM
from api.web.routing import PROBLEMS, PUBLIC, SIGNED_MESSAGE, add_routes
from api.web.tags import DESCRIPTIONS
from tools import reference

ROOT: Final = Path(__file__).resolve().parents[1]
CONTRACT: Final = ROOT / "docs" / "openapi.json"
STATIC: Final = ROOT / "api" / "web" / "static"
SERVED: Final = STATIC / "openapi.json"
PAGE: Final = STATIC / "reference.html"
COMMAND: Final = "python -m tools.openapi"

_METHODS: Final = ("get", "head", "put", "post", "patch", "delete", "options")
_COLUMNS: Final = ("analyst", "reviewer", "auditor", "administrator", "peer", "node")
_JSON: Final = "application/json"
_UNSAID: Final = "Successful Response"
"""FastAPI's words where a route says nothing of its answer."""
_OFFICER, _PEER = "officerToken", "peerToken"
_WHAT: Final = (
    "Federated exchange of signed evidence packages and mirror requests between ministries.\n\n"
    "Every refusal is an RFC 9457 problem document whose `code` is stable (docs/errors.md). Lists "
    "carry a signed cursor in `next`; send it back as `cursor`. A change of something that was "
    "read takes `If-Match`. A call that makes something may be repeated with the same "
    "`Idempotency-Key`: the work is done once. `x-comity-action` names the policy action that "
    "guards an operation, and `x-comity-roles` who may take it under the most favourable "
    "circumstances (docs/policy.md); the state of the object may forbid it all the same."
)
_SECURITY: Final = {
    _OFFICER: {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "An access token (RFC 9068) of the ministry's OpenID Provider with this "
        "node as its audience: `comity login`, then `comity token`.",
    },
    _PEER: {
        "type": "http",
        "scheme": "comity",
        "description": "A partner's node: an envelope of typ `comity-peer` with both signatures "
        "by its message keys, for this node and this path, of at most five minutes and 12 KiB.",
    },
}


def document() -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of all routes."""
    app = _application()
    made: dict[str, Any] = app.openapi()
    routes = dict(_routes(app))
    declared = declared_answers()
    roles = _roles()
    used: set[str] = set()
    for operation in operations(made):
        name = operation["operationId"]
        _describe(operation, roles)
        _answer(operation, declared.get(name), routes[name])
        used.update(operation.get("tags", ()))
    for path in made["paths"].values():
        for response in path.get("head", {}).get("responses", {}).values():
            response.pop("content", None)
    made["info"]["license"] = {"name": "EUPL-1.2", "identifier": "EUPL-1.2"}
    made["tags"] = [{"name": name, "description": DESCRIPTIONS[name]} for name in sorted(used)]
    typed = shapes.components(one.form for one in declared.values())
    models = made.get("components", {}).get("schemas", {})
    made["components"] = {
        "schemas": {**models, **typed, "Problem": PROBLEMS[400]["content"][PROBLEM]["schema"]},
        "responses": {_refusal(int(status)): _response(int(status)) for status in PROBLEMS},
        "securitySchemes": _SECURITY,
    }
    return made


def declared_answers() -> dict[str, Declared]:
    """Return what each route declares that it answers with, by operation id."""
    found = {
        name: answers.declared_answer(route.endpoint) for name, route in _routes(_application())
    }
    return {name: one for name, one in found.items() if one is not None}


def _application() -> FastAPI:
    app = FastAPI(title="Comity", version=__version__, description=_WHAT)
    add_routes(app, ROUTERS)
    return app


def operations(made: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every operation of a document."""
    for path in made["paths"].values():
        for method in _METHODS:
            if method in path:
                yield path[method]


def rendered() -> dict[Path, str]:
    """Return the text of each file."""
    made = document()
    compact = json.dumps(made, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    indented = json.dumps(made, sort_keys=True, ensure_ascii=False, indent=2)
    return {
        CONTRACT: indented + "\n",
        SERVED: compact + "\n",
        PAGE: reference.page(made) + "\n",
    }


def differences() -> list[str]:
    """Return the names of committed files that are missing or not what the routes say."""
    return [
        str(path.relative_to(ROOT))
        for path, text in rendered().items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]


def _routes(app: FastAPI) -> Iterator[tuple[str, APIRoute]]:
    """Yield operation id and route of every handler."""
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        if isinstance(route, APIRoute) and route.operation_id:
            yield route.operation_id, route


def _roles() -> dict[str, list[str]]:
    """Return who may take each action, from the matrix that the policy tests assert both ways."""
    text = (ROOT / "policies" / "cases" / "matrix.toml").read_text(encoding="utf-8")
    rows: dict[str, str] = tomllib.loads(text)["roles"]
    return {
        action: [role for role, word in zip(_COLUMNS, row.split(), strict=True) if word == "yes"]
        for action, row in rows.items()
    }


def _describe(operation: dict[str, Any], roles: dict[str, list[str]]) -> None:
    """Complete one operation in place."""
    text = re.sub(r"\s+", " ", operation.get("description", "")).strip()
    operation["summary"] = _first_sentence(text)
    operation["description"] = text
    action = operation["x-comity-action"]
    operation["x-comity-roles"] = _who(action, roles)
    operation["security"] = _security(action, roles)


def _answer(operation: dict[str, Any], declared: Declared | None, route: APIRoute) -> None:
    """Say in place what each status of an operation answers with."""
    own = str(route.status_code or 200)
    for status, said in operation["responses"].items():
        content = said.get("content", {})
        if said["description"] == _UNSAID:
            said["description"] = "Done." if content else "Done; there is no content."
        if PROBLEM in content and status != own:
            operation["responses"][status] = {"$ref": f"#/components/responses/{_refusal(status)}"}
        elif declared is not None and set(content) <= {_JSON}:
            operation["responses"][status] = _success(declared, said["description"])
        elif len(content) > 1 and not content.get(_JSON, {"schema": True})["schema"]:
            # FastAPI adds its own guess to the media type that the route names.
            del content[_JSON]


def _success(declared: Declared, description: str) -> dict[str, Any]:
    """Say what an answer that is no refusal holds."""
    said: dict[str, Any] = {
        "description": description,
        "content": {_JSON: {"schema": shapes.shape_of(declared.form).schema}},
    }
    if declared.headers:
        said["headers"] = {
            name: {"description": text, "schema": {"type": "string"}}
            for name, text in declared.headers.items()
        }
    return said


def _first_sentence(text: str) -> str:
    return re.split(r"(?<=[.:;])\s", text, maxsplit=1)[0].rstrip(".:;")


def _who(action: str, roles: dict[str, list[str]]) -> list[str]:
    return {PUBLIC: ["anyone"], SIGNED_MESSAGE: ["peer"]}.get(action) or roles[action]


def _security(action: str, roles: dict[str, list[str]]) -> list[dict[str, list[str]]]:
    """Return how one signs in: not at all, by the message's own signatures, or by a token."""
    if action in {PUBLIC, SIGNED_MESSAGE}:
        return []
    found = roles[action]
    ways = {_OFFICER: bool(set(found) - {"peer", "node"}), _PEER: "peer" in found}
    return [{scheme: []} for scheme, fits in ways.items() if fits]


def _refusal(status: int | str) -> str:
    return f"Refused{status}"


def _response(status: int) -> dict[str, Any]:
    return {
        "description": MEANINGS[status],
        "content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }


def main(arguments: list[str]) -> int:
    """Write or check; returns the exit code."""
    if arguments == ["--check"]:
        stale = differences()
        for name in stale:
            print(f"differs from the routes: {name}; run: {COMMAND}", file=sys.stderr)
        return 1 if stale else 0
    for path, text in rendered().items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
