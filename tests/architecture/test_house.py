"""House rules that no linter knows: sizes, permits, recording, routes, identity of the package."""

import ast
import functools
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import pytest
from fastapi.routing import APIRoute

import api
from api.app import ROUTERS
from api.ports.policy import Action
from api.services.idempotency import keyed_call
from api.web.routing import PUBLIC, SIGNED_MESSAGE

ROOT = Path(api.__file__).resolve().parents[1]
SOURCES = sorted((ROOT / "api").rglob("*.py"))
LONGEST_FILE = 500
LONGEST_FUNCTION = 60


def test_no_file_is_longer_than_500_lines() -> None:
    long = [
        str(path.relative_to(ROOT))
        for path in SOURCES
        if len(path.read_text().splitlines()) > LONGEST_FILE
    ]
    assert long == []


def test_no_function_is_longer_than_60_lines() -> None:
    long = []
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or 0) - node.lineno + 1
                if length > LONGEST_FUNCTION + _docstring_lines(node):
                    long.append(f"{path.relative_to(ROOT)}:{node.name} {length}")
    assert long == []


def _docstring_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    if ast.get_docstring(node) is None:
        return 0
    first = node.body[0]
    return (first.end_lineno or 0) - first.lineno + 1


def test_every_module_says_what_it_owns() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in SOURCES
        if len(ast.get_docstring(ast.parse(path.read_text())) or "") < 20
    ]
    assert silent == []


@functools.cache
def _called(path: Path) -> set[str]:
    return {
        name
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        for name in (getattr(node.func, "id", ""), getattr(node.func, "attr", ""))
    }


@pytest.mark.parametrize(
    ("call", "owner"),
    [
        ("Permit", "api/services/authorising.py"),
        ("add_event", "api/services/recording.py"),
        ("take_change_set", "api/services/recording.py"),
    ],
)
def test_only_its_owner_makes_it(call: str, owner: str) -> None:
    makers = [str(path.relative_to(ROOT)) for path in SOURCES if call in _called(path)]
    assert makers == [owner]


def test_outbox_rows_are_posted_by_recording_alone() -> None:
    writers = [
        str(path.relative_to(ROOT))
        for path in SOURCES
        if re.search(r"insert\(\s*streams\.OUTBOX", path.read_text())
    ]
    assert writers == ["api/services/recording.py"]


def test_every_route_declares_its_action() -> None:
    known = {str(action) for action in Action} | {PUBLIC, SIGNED_MESSAGE}
    routes = [route for router in ROUTERS for route in router.routes]
    assert len(routes) > 20
    for route in routes:
        assert isinstance(route, APIRoute)
        extra = route.openapi_extra or {}
        assert extra.get("x-comity-action") in known, route.path
        assert route.operation_id, route.path


def test_every_route_that_documents_an_idempotency_key_reads_it() -> None:
    routes = [route for router in ROUTERS for route in router.routes]
    keyed = [route for route in routes if isinstance(route, APIRoute) and _takes_a_key(route)]
    assert len(keyed) > 20
    assert [one.operation_id for one in keyed if keyed_call not in _reached(one.endpoint)] == []


def _takes_a_key(route: APIRoute) -> bool:
    parameters = (route.openapi_extra or {}).get("parameters", ())
    return any(one["name"] == "Idempotency-Key" for one in parameters)


def _reached(endpoint: Any) -> set[Any]:
    """Return the functions of ours that an endpoint names, and those that they name."""
    found: set[Any] = set()
    waiting = [inspect.unwrap(endpoint)]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += _named(one.__code__, one.__globals__)
    return found


def _named(code: CodeType, known: dict[str, Any]) -> Iterator[Any]:
    values = [known[name] for name in code.co_names if name in known]
    for module in [value for value in values if isinstance(value, ModuleType)]:
        values += [vars(module)[name] for name in code.co_names if name in vars(module)]
    for value in values:
        if isinstance(value, FunctionType) and value.__module__.startswith("api."):
            yield inspect.unwrap(value)
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _named(inner, known)


def test_no_two_routes_share_an_operation_id() -> None:
    names = [route.operation_id for router in ROUTERS for route in router.routes]
    assert len(names) == len(set(names))


def test_the_package_is_the_checkouts() -> None:
    """An installed copy would be tested in the checkout's place."""
    assert Path(api.__file__).parent == ROOT / "api"


FORBIDDEN = re.compile(r"\b(utils|helpers|common)\b")


def test_no_module_is_called_utils() -> None:
    bad = [str(path) for path in SOURCES if FORBIDDEN.fullmatch(path.stem)]
    assert bad == []


def test_locks_name_no_index() -> None:
    for path in (ROOT / "requirements").glob("*.txt"):
        text = path.read_text()
        assert "://" not in text
        assert "index-url" not in text
        assert "--hash=sha256:" in text
