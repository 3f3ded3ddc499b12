"""Decision records are indexed, and each names a check that exists."""

import json
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "decisions"
RECORDS = sorted(FOLDER.glob("[0-9]*.md"))
INDEX = (FOLDER / "README.md").read_text(encoding="utf-8")


def name_of(path: Path) -> str:
    return path.name


def test_the_index_lists_every_record_with_its_title_once():
    listed = re.findall(r"^\| \[(\d{4})\]\(([^)]+)\) \| (.+?) \|", INDEX, flags=re.MULTILINE)
    held = []
    for path in RECORDS:
        first = path.read_text(encoding="utf-8").splitlines()[0]
        title = re.sub(r"^# \d{4}: ", "", first)
        held.append((path.name[:4], path.name, title))
    assert listed == held, "docs/decisions/README.md lists other records than there are"


def test_numbers_are_given_once():
    numbers = [path.name[:4] for path in RECORDS]
    assert len(numbers) == len(set(numbers))


@pytest.mark.parametrize("path", RECORDS, ids=name_of)
def test_a_record_fits_one_screen_and_says_where_it_stands(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 60
    for part in ("**Status:**", "**Decision.**", "**Enforced by**"):
        assert part in text, part


@pytest.mark.parametrize("path", RECORDS, ids=name_of)
def test_the_check_that_enforces_it_exists(path):
    enforced = path.read_text(encoding="utf-8").partition("**Enforced by**")[2]
    named = re.findall(r"`((?:tests|api|bench|migrations)/[^`]+?|pyproject\.toml)`", enforced)
    assert any(name.startswith(("tests/", "pyproject")) for name in named), "name a test"
    text = ""
    for name in named:
        assert (ROOT / name).exists(), name
        if (ROOT / name).is_file():
            text += (ROOT / name).read_text(encoding="utf-8")
    for function in re.findall(r"`(test_\w+)`", enforced):
        assert f"def {function}(" in text, function


def test_the_only_pages_are_the_reference():
    """0008: the interface has no page beside it."""
    contract = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))
    pages = {
        path
        for path, item in contract["paths"].items()
        for operation in item.values()
        for response in operation["responses"].values()
        if "text/html" in response.get("content", {})
    }
    assert pages == {"/docs"}


def test_the_licence_is_named_alike_everywhere():
    """0009."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["license"] in ("EUPL-1.2", {"text": "EUPL-1.2"})
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert text.startswith("EUROPEAN UNION PUBLIC LICENCE v. 1.2\n")
    assert re.findall(r"^(\d+)\.", text, flags=re.MULTILINE) == [str(n) for n in range(1, 16)]
    assert "EUPL-1.2" in (ROOT / "README.md").read_text(encoding="utf-8")
    contract = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))
    assert contract["info"]["license"]["identifier"] == "EUPL-1.2"
