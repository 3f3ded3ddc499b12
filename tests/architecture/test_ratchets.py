"""What shall fall to nothing does not rise; what nothing calls has a reason to be there."""

import ast
import functools
import os
import tomllib
from pathlib import Path

import pytest
from vulture import Vulture

from tests.architecture import counting

HERE = Path(__file__).parent
ALLOWED = tomllib.loads((HERE / "uncalled.toml").read_text("utf-8"))
HOOKS = ["@*.get", "@*.post", "@*.put", "@*.patch", "@*.delete", "@*.head", "@*route*"]
HOOKS += ["@command*", "@*.command*", "@*validator", "@*.callback*", "@route_for*"]
SURE = 60
"""Per cent, in vulture's counting: 60 is a function, a class or an attribute that no name calls."""


in_ci = pytest.mark.skipif(
    os.environ.get("CI") != "true", reason="counted in CI, where all changes have come together"
)


@in_ci
def test_no_count_has_risen() -> None:
    assert counting.risen(counting.counted(), counting.limits()) == []


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('def f(row):\n    return row["state"]\n', 'rows above records: row["'),
        ("def f():\n" + "    g()\n" * 51, "long functions: api/services/new.py:f is 52"),
        ("x = 1\n" * 451, "long files: api/services/new.py is 451"),
    ],
)
def test_a_new_one_is_counted(text: str, what: str) -> None:
    found = counting.counted({counting.ROOT / "api/services/new.py": text})
    assert any(line.startswith(what) for line in counting.risen(found, {}))


def test_limits_are_never_raised_by_the_program() -> None:
    allowed = {"long files": {"a": 500, "b": 460, "gone": 470}}
    now = {"long files": {"a": 480, "b": 470}}
    assert counting.lowered(now, allowed) == {"long files": {"a": 480, "b": 460}}


@functools.cache
def named(path: Path) -> set[str]:
    """Functions that stand at the top of a module."""
    return {
        node.name
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, counting.FUNCTIONS)
    }


@functools.cache
def bare_imports() -> set[tuple[str, str]]:
    """Module and name of each function of the package that another module imports without it."""
    return {
        (node.module, alias.name)
        for path in counting.SOURCES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module is not None
        for alias in node.names
    }


@pytest.mark.parametrize(("name", "folder", "reason"), counting.shared_names())
def test_a_shared_name_is_needed_and_never_stands_alone(
    name: str, folder: str, reason: str
) -> None:
    modules = {
        ".".join(path.relative_to(counting.ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in counting.SOURCES
        if path.is_relative_to(counting.ROOT / folder) and name in named(path)
    }
    assert len(modules) > 1, f"only one module of {folder} has {name}"
    assert len(reason.split()) >= 3
    assert {(module, name) for module in modules} & bare_imports() == set()


def uncalled() -> set[str]:
    """Functions, classes, methods and imports of the package that its own code never names."""
    looked = Vulture(ignore_names=list(ALLOWED["hooks"]), ignore_decorators=HOOKS)
    looked.scavenge([str(path) for path in counting.SOURCES])
    kinds = {"function", "class", "method", "property", "import"}
    found = {
        f"{item.filename.relative_to(counting.ROOT)}:{item.name}"
        for item in looked.get_unused_code(min_confidence=SURE)
        if item.typ in kinds
    }
    return {each for each in found if not each.startswith(tuple(ALLOWED["folders"]))}


@in_ci
def test_whatever_nothing_calls_has_a_reason() -> None:
    found = uncalled()
    assert found - set(ALLOWED["reasons"]) == set(), "call it, or delete it with its tests"
    assert set(ALLOWED["reasons"]) - found == set(), "it is called now: strike its reason"


def test_every_reason_says_something() -> None:
    for table in ("hooks", "folders", "reasons"):
        assert all(len(reason.split()) >= 3 for reason in ALLOWED[table].values()), table
