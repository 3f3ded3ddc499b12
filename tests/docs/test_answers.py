"""What running nodes answer has the form that the OpenAPI document gives it."""

import json
import re
from pathlib import Path
from typing import Any

import httpx2
import pytest
from jsonschema import Draft202012Validator

from tests.support.demo import Demo

pytestmark = [pytest.mark.processes]

ROOT = Path(__file__).resolve().parents[2]
CONTRACT = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))
PROFILES = {"analyst": "analyst", "auditor": "auditor", "administrator": "admin"}
QUERIES = {
    "/api/v1/coverage": {"base": "US:2020-07", "jurisdiction": "CA", "as_of": "2021-03-22"},
    "/api/v1/coverage/programme": {"programme": "GLOMAG", "jurisdiction": "CA"},
    "/api/v1/subjects": {"q": "Chen Quanguo"},
}
ELSEWHERE = re.compile(
    r"^/(log|peer)/|/file$|/export$|/exhibits/|^/docs|/lists/diff$|/subjects/page$"
    r"|^/api/v1/(?!drafts/).*/preview$"
)
"""What is no JSON; what compares editions of lists; what shows a change
that waits for a second person: the demo leaves none."""

NAMED_BY = ("id", "ministry", "index")
"""What names an object in the path below its list, the first that it has."""


def asking(path: str) -> str:
    """The profile of the first role that the contract allows to read this path."""
    roles = CONTRACT["paths"][path]["get"].get("x-comity-roles") or list(PROFILES)
    fitting = (profile for role, profile in PROFILES.items() if role in roles)
    return next(fitting, "analyst")


def schema_of(response: dict[str, Any]) -> dict[str, Any]:
    """The schema of an answer, with the components it refers to."""
    content = response.get("content", {}).get("application/json", {})
    return {**content.get("schema", {}), "components": CONTRACT["components"]}


def reading() -> list[tuple[str, dict[str, Any]]]:
    """Operations that read JSON, those on one object behind the lists that name it."""
    found = [
        (path, item["get"])
        for path, item in CONTRACT["paths"].items()
        if "get" in item and not ELSEWHERE.search(path)
    ]
    return sorted(found, key=lambda each: each[0].count("{"))


def named(content: dict[str, Any]) -> list[dict[str, Any]]:
    """The objects that an answer lists, each with its name; an edition lists its entries."""
    listed = content.get("items", content.get("entries", []))
    return [item for item in listed if isinstance(item, dict)]


class Asker:
    """Asks the nodes of a demo as their officers."""

    def __init__(self, demo: Demo) -> None:
        self.demo = demo
        self.ids: dict[tuple[str, str], list[str]] = {}

    def get(self, ministry: str, path: str, role: str, **query: str) -> httpx2.Response:
        profile = f"{ministry[:2]}-{role}"
        node = self.demo.document["nodes"][ministry]["url"]
        with httpx2.Client(trust_env=False, timeout=30) as client:
            headers = {"authorization": f"Bearer {self.demo.token(profile)}"}
            return client.get(f"{node}{path}", params=query, headers=headers)

    def places(self, ministry: str, path: str) -> list[str]:
        """The paths to ask: a template's parameter takes the ids of the list above it."""
        if "{" not in path:
            return [path]
        above, _, rest = path.partition("/{")
        ids = self.ids.get((ministry, above), [])
        return [f"{above}/{each}{rest.partition('}')[2]}" for each in ids[:3]]

    def query(self, ministry: str, path: str, place: str) -> dict[str, str]:
        """What a path is asked with; one entry of a list is named by its id in the query."""
        above, entry, _ = place.partition("/entry")
        if entry:
            return {"id": self.ids[ministry, above][0]}
        return QUERIES.get(path, {})


def test_every_answer_has_its_form(demo: Demo) -> None:
    asker = Asker(demo)
    asked, wrong = set(), []
    for path, operation in reading():
        for ministry in demo.document["nodes"]:
            for place in asker.places(ministry, path):
                role = asking(path)
                query = asker.query(ministry, path, place)
                answer = asker.get(ministry, place, role, **query)
                assert answer.status_code == 200, (place, role, answer.text)
                content = answer.json()
                asked.add(operation["operationId"])
                for item in named(content):
                    key = next((item[name] for name in NAMED_BY if name in item), None)
                    for where in {path, place}:
                        asker.ids.setdefault((ministry, where), []).append(str(key))
                checker = Draft202012Validator(schema_of(operation["responses"]["200"]))
                wrong += [
                    f"{place}: /{'/'.join(map(str, fault.path))}: {fault.message[:200]}"
                    for fault in checker.iter_errors(content)
                ]
    assert wrong == []
    wanted = {"list_packages", "read_package", "list_holders", "list_events", "read_me"}
    assert wanted <= asked


def test_the_reference_is_served_by_a_node(demo: Demo) -> None:
    node = demo.document["nodes"]["us-treasury"]["url"]
    with httpx2.Client(trust_env=False, timeout=30) as client:
        page = client.get(f"{node}/docs")
        assert page.status_code == 200
        assert page.headers["content-security-policy"].startswith("default-src 'none'; style-src")
        assert client.get(f"{node}/docs/openapi.json").json() == CONTRACT
