"""Every answer that a test gets over HTTP has the form that the contract gives it.

Doors of tests hang `judge` onto their clients. An answer that is JSON is held against the committed
OpenAPI document: its status and media type are documented, its members are those of the schema, no
more and no fewer. What the document does not know (the console's pages) is let through.
"""

import functools
import json
import re
from typing import Any

import httpx2
from jsonschema import Draft202012Validator
from starlette.testclient import TestClient

from tools import openapi

_JSON = "application/json"


class ContractError(AssertionError):
    """An answer is not what the contract says."""


@functools.cache
def contract() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(openapi.CONTRACT.read_text(encoding="utf-8"))
    return found


@functools.cache
def addresses() -> list[tuple[re.Pattern[str], str]]:
    """The documented paths as patterns, those with the fewest parameters first."""
    found = []
    for path in contract()["paths"]:
        parts = re.split(r"\{\w+\}", path)
        found.append((re.compile("[^/]+".join(map(re.escape, parts))), path))
    return sorted(found, key=lambda each: each[1].count("{"))


def closed(schema: Any) -> Any:
    """The schema with every described object holding what is described and nothing else."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: closed(part) for name, part in schema.items()}
    if made.get("type") == "object" and "properties" in made:
        made.setdefault("additionalProperties", False)
    return made


@functools.cache
def judge_of(path: str, method: str, status: str) -> Draft202012Validator:
    """What a documented answer is held against.

    Raises:
        ContractError: the operation has no such answer.
    """
    said = contract()["paths"][path][method]["responses"].get(status)
    if said is None or _JSON not in said.get("content", {}):
        message = f"{method.upper()} {path} is not documented to answer {status} with JSON"
        raise ContractError(message)
    schemas = closed(contract()["components"]["schemas"])
    schema = closed(said["content"][_JSON].get("schema", {}))
    return Draft202012Validator({**schema, "components": {"schemas": schemas}})


def judged(client: TestClient) -> TestClient:
    """The client, with the judge hung onto it."""
    client.event_hooks = {"response": [judge]}
    return client


def judge(response: httpx2.Response) -> None:
    """Hold one answer against the contract.

    Raises:
        ContractError: it is not of the documented form.
    """
    if response.headers.get("content-type", "") != _JSON:
        return
    place, method = response.request.url.path, response.request.method.lower()
    path = next((path for form, path in addresses() if form.fullmatch(place)), None)
    if path is None or method not in contract()["paths"][path]:
        return
    response.read()
    faults = [
        f"/{'/'.join(map(str, fault.path))}: {fault.message[:200]}"
        for fault in judge_of(path, method, str(response.status_code)).iter_errors(response.json())
    ]
    if faults:
        message = f"{method.upper()} {path}: " + "; ".join(faults)
        raise ContractError(message)
