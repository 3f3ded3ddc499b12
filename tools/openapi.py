"""Write the OpenAPI document of the node's HTTP interface.

Usage, from the root of the repository:

    python -m tools.openapi            # write
    python -m tools.openapi --check    # exit 1 if a committed file differs

The document is made from the same routers that the application mounts, without starting a node,
and written three times: indented to ``docs/openapi.json``, which is the contract and is compared
in review; compactly, and as a page of plain HTML, to ``api/web/static/``, which travels with the
program and is what ``GET /docs`` answers. What no route can say about itself stands here: tags, how
one signs in, the headers that a handler reads by hand, which roles a policy lets in, and the form
of successful answers (``tools/openapi_answers.py``, ``tools/openapi_exchange.py``).
"""

import inspect
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
from api.web.problems import PROBLEM
from api.web.routing import PROBLEMS, PUBLIC, SIGNED_MESSAGE
from tools import reference
from tools.openapi_answers import ANSWERS as OWN_ANSWERS
from tools.openapi_answers import SCHEMAS
from tools.openapi_audit import AUDIT_ANSWERS, AUDIT_SCHEMAS
from tools.openapi_exchange import EXCHANGE_ANSWERS, EXCHANGE_SCHEMAS
from tools.openapi_forms import Answer, Schema

ROOT: Final = Path(__file__).resolve().parents[1]
CONTRACT: Final = ROOT / "docs" / "openapi.json"
STATIC: Final = ROOT / "api" / "web" / "static"
SERVED: Final = STATIC / "openapi.json"
PAGE: Final = STATIC / "reference.html"
COMMAND: Final = "python -m tools.openapi"
ANSWERS: Final[dict[str, Answer]] = {**OWN_ANSWERS, **AUDIT_ANSWERS, **EXCHANGE_ANSWERS}
FORMS: Final[dict[str, Schema]] = {**SCHEMAS, **AUDIT_SCHEMAS, **EXCHANGE_SCHEMAS}

_METHODS: Final = ("get", "head", "put", "post", "patch", "delete", "options")
_COLUMNS: Final = ("analyst", "reviewer", "auditor", "administrator", "peer", "node")
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
_TAGS: Final = {
    "assurance": "How far this log and its partners' logs are witnessed, and what contradicts it.",
    "audit": "The log as auditors read, export and check it.",
    "coverage": "Per subject: which jurisdictions list it, since when, with what lag.",
    "delegations": "Standing in for the absent, and standing aside for conflicts of interest.",
    "designations": "What jurisdictions listed, amended and delisted.",
    "drafts": "Statements in the making: written by one officer, approved by another.",
    "exhibits": "The bytes of evidence, by their SHA-256.",
    "lists": "Published sanctions lists that this node holds: editions, entries, differences.",
    "log": "The transparency log in C2SP form; members only.",
    "mirror requests": "Threads in which one ministry asks another to mirror its designations.",
    "node": "Partners, streams, the node's state and its stop switch.",
    "officers": "People, their accounts, roles and signing keys; two administrators decide.",
    "packages": "Evidence packages: submitted, released one recipient at a time, recalled.",
    "peers": "What partners sent that this node cannot decide yet.",
    "peer": "The one door of partners' nodes.",
    "proposals": "Reasoned cases for listing a subject.",
    "public": "What anyone may read.",
    "regimes": "The law as data: regimes, grounds, crosswalk and clocks.",
    "subjects": "Subjects of packages, designations and requests, and officers' verdicts on them.",
    "tasks": "What waits for whom, until when, and why; what a partner holds.",
}
_MEANINGS: Final = {
    400: "The request cannot be read, or what it carries is not in its canonical form.",
    401: "No access token, or one that is not meant for this node.",
    403: "The policy says no; `policies` names what decided.",
    404: "There is no such thing, or the caller may not know that there is.",
    405: "Nothing answers to this method here.",
    409: "The act contradicts the present state.",
    412: "It changed since it was read: `If-Match` names another version.",
    413: "Over a published limit.",
    415: "Another media type is needed.",
    416: "The range does not lie inside the exhibit.",
    422: "The content breaks a rule of its own; `errors` says where, never with which value.",
    428: "A change needs `If-Match`.",
    500: "A defect; nothing was changed.",
    503: "Something this act needs cannot be reached now; `Retry-After` says when to try again.",
    507: "No room is left; nothing was stored.",
}
_HEADERS: Final = {
    r"\bif_match\(|\brequire_tag\(": {
        "name": "If-Match",
        "in": "header",
        "required": True,
        "description": "The `ETag` of the version that was read.",
        "schema": {"type": "string"},
    },
    # Every call that makes something (DESIGN §9).
    r'"POST",[^)]*\bstatus_code=201\b': {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": "1 to 200 visible ASCII characters; the same call again gets the same "
        "answer, another call under the same key is refused.",
        "schema": {"type": "string", "pattern": "^[\\x21-\\x7e]{1,200}$"},
    },
}
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
    app = FastAPI(title="Comity", version=__version__, description=_WHAT)
    for router in ROUTERS:
        app.include_router(router)
    made: dict[str, Any] = app.openapi()
    sources = dict(_sources(app))
    roles = _roles()
    used: set[str] = set()
    for operation in operations(made):
        _describe(operation, sources.get(operation["operationId"], ""), roles)
        used.update(operation.get("tags", ()))
    for path in made["paths"].values():
        for response in path.get("head", {}).get("responses", {}).values():
            response.pop("content", None)
    made["info"]["license"] = {"name": "EUPL-1.2", "identifier": "EUPL-1.2"}
    made["tags"] = [{"name": name, "description": _TAGS.get(name, "")} for name in sorted(used)]
    models = made.get("components", {}).get("schemas", {})
    made["components"] = {
        "schemas": {**models, **FORMS, "Problem": PROBLEMS[400]["content"][PROBLEM]["schema"]},
        "responses": {_refusal(int(status)): _response(int(status)) for status in PROBLEMS},
        "securitySchemes": _SECURITY,
    }
    return made


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


def _sources(app: FastAPI) -> Iterator[tuple[str, str]]:
    """Yield operation id and source text of every handler."""
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        if isinstance(route, APIRoute) and route.operation_id:
            yield route.operation_id, inspect.getsource(route.endpoint)


def _roles() -> dict[str, list[str]]:
    """Return who may take each action, from the matrix that the policy tests assert both ways."""
    text = (ROOT / "policies" / "cases" / "matrix.toml").read_text(encoding="utf-8")
    rows: dict[str, str] = tomllib.loads(text)["roles"]
    return {
        action: [role for role, word in zip(_COLUMNS, row.split(), strict=True) if word == "yes"]
        for action, row in rows.items()
    }


def _describe(operation: dict[str, Any], source: str, roles: dict[str, list[str]]) -> None:
    """Complete one operation in place."""
    text = re.sub(r"\s+", " ", operation.get("description", "")).strip()
    operation["summary"] = _first_sentence(text)
    operation["description"] = text
    action = operation["x-comity-action"]
    operation["x-comity-roles"] = _who(action, roles)
    operation["security"] = _security(action, roles)
    for pattern, header in _HEADERS.items():
        if re.search(pattern, source):
            operation.setdefault("parameters", []).append(header)
    answer = ANSWERS.get(operation["operationId"], Answer("Done."))
    for status, response in operation["responses"].items():
        if status not in answer.statuses and PROBLEM in response.get("content", {}):
            operation["responses"][status] = {"$ref": f"#/components/responses/{_refusal(status)}"}
        else:
            operation["responses"][status] = _success(answer, status, response)


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


def _success(answer: Answer, status: str, response: dict[str, Any]) -> dict[str, Any]:
    """Say what an answer that is no refusal holds; what the route itself says stands."""
    content = response.get("content", {})
    if len(content) > 1 and not content.get("application/json", {"schema": True})["schema"]:
        # FastAPI adds its own guess to the media type that the route names.
        del content["application/json"]
    if response["description"] not in {"Successful Response", PROBLEMS[400]["description"]}:
        return response
    if status not in answer.statuses:
        return {**response, "description": "Done; there is no content."}
    said: dict[str, Any] = {"description": answer.description}
    if answer.schema:
        said["content"] = {"application/json": {"schema": answer.schema}}
    elif "content" in response:
        said["content"] = response["content"]
    if answer.headers:
        said["headers"] = {
            name: {"description": text, "schema": {"type": "string"}}
            for name, text in answer.headers.items()
        }
    return said


def _refusal(status: int | str) -> str:
    return f"Refused{status}"


def _response(status: int) -> dict[str, Any]:
    return {
        "description": _MEANINGS.get(status, "A refusal."),
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
