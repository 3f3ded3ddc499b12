"""``docs/asvs.md``: every verdict has its proof, and every test that is named exists."""

import ast
import functools
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "asvs.md"
ROW = re.compile(r"\| (\d+\.\d+\.\d+) \| ([^|]+) \| (met|not applicable|not met) \| ([^|]+) \|")
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")

ROWS = [
    found.groups()
    for line in PAGE.read_text(encoding="utf-8").splitlines()
    if (found := ROW.fullmatch(line))
]


@functools.cache
def names_in(path: str) -> frozenset[str]:
    file = ROOT / path
    if not file.exists():
        return frozenset()
    found = ast.walk(ast.parse(file.read_text(encoding="utf-8")))
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in found if isinstance(node, functions))


def test_every_row_is_one() -> None:
    """A row that is misspelt would be no row, and nobody would look at its tests."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    written = [line for line in lines if re.match(r"\| \d", line)]
    assert len(written) == len(ROWS)
    numbers = [number for number, *_ in ROWS]
    assert len(numbers) == len(set(numbers))
    assert {number.split(".")[0] for number in numbers} == {
        *("2", "7", "8", "9", "10", "11", "14", "15", "16")
    }


@pytest.mark.parametrize(
    ("number", "_subject", "verdict", "proof"), ROWS, ids=lambda part: part[:8]
)
def test_a_verdict_has_its_proof(number: str, _subject: str, verdict: str, proof: str) -> None:
    named = NAMED.findall(proof)
    if verdict == "not met":
        assert proof.strip().endswith("."), f"{number}: say in a sentence why not"
        return
    assert named, f"{number}: name a test"
    for path, name in named:
        assert name.startswith("test_")
        assert name in names_in(path), f"{number}: there is no {path}::{name}"


def test_every_test_that_the_findings_name_exists() -> None:
    page = (ROOT / "docs" / "security-findings.md").read_text(encoding="utf-8")
    named = NAMED.findall(page)
    assert len(named) > 60
    assert [found for found in named if found[1] not in names_in(found[0])] == []
    findings = set(re.findall(r"(?m)^\| ([A-E]\d*) ", page))
    assert findings >= {f"A{number}" for number in range(1, 6)} | {f"C{n}" for n in range(1, 11)}
