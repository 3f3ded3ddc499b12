"""The committed OpenAPI document is what the routes say, and says enough to work from."""

import json
import re

import pytest
from openapi_spec_validator import validate

from tools import openapi


@pytest.fixture(scope="module")
def contract():
    return json.loads(openapi.CONTRACT.read_text(encoding="utf-8"))


def test_the_committed_document_is_current():
    assert openapi.differences() == [], f"the routes changed; run: {openapi.COMMAND}"


def test_a_changed_route_is_noticed(tmp_path, monkeypatch, capsys):
    changed = tmp_path / "openapi.json"
    changed.write_text("{}", encoding="utf-8")
    monkeypatch.setattr(openapi, "ROOT", tmp_path)
    monkeypatch.setattr(openapi, "rendered", lambda: {changed: "{}\n"})
    assert openapi.main(["--check"]) == 1
    assert openapi.COMMAND in capsys.readouterr().err
    assert openapi.main([]) == 0
    assert openapi.main(["--check"]) == 0


def test_the_document_is_valid_openapi(contract):
    assert contract["openapi"].startswith("3.1")
    validate(contract)


def test_each_operation_can_be_found_and_says_who_may_take_it(contract):
    found = list(openapi.operations(contract))
    names = [each["operationId"] for each in found]
    assert len(names) == len(set(names)) > 30
    assert names == [name for name in names if re.fullmatch(r"[a-z]+(_[a-z]+)*", name)]
    told = {tag["name"]: tag["description"] for tag in contract["tags"]}
    for each in found:
        assert each["summary"], each["operationId"]
        assert each["x-comity-roles"], each["operationId"]
        assert each["tags"], each["operationId"]
        assert all(told[tag] for tag in each["tags"]), each["operationId"]
        assert any(status.startswith("2") for status in each["responses"])


def test_only_what_anyone_may_read_needs_no_token(contract):
    known = set(contract["components"]["securitySchemes"])
    for each in openapi.operations(contract):
        schemes = {name for way in each["security"] for name in way}
        assert schemes <= known
        assert bool(schemes) is (each["x-comity-action"] not in {"public", "signed-message"})


def test_headers_that_handlers_read_are_documented(contract):
    def headers(name):
        operation = next(o for o in openapi.operations(contract) if o["operationId"] == name)
        return {p["name"] for p in operation.get("parameters", ()) if p["in"] == "header"}

    assert headers("replace_draft") == {"If-Match"}
    assert headers("submit_package") == {"Idempotency-Key"}
    assert headers("read_exhibit") == {"Range", "If-Range"}
    assert headers("list_packages") == set()
