"""All Markdown pages: links lead somewhere, named files and tests exist, settings are explained."""

import re
import shutil
from pathlib import Path
from urllib.parse import unquote

import pytest

from api.settings import Settings
from tests.support import checkout, foreign

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)")
HEADING = re.compile(r"^#{1,6} (.+?)\s*$", re.MULTILINE)
NAMED = re.compile(r"`((?:\.ci|api|bench|deploy|docs|migrations|policies|tests)/[\w./*-]+)`")
TEST = re.compile(r"`(test_\w+)`")


FILES = checkout.files()
PAGES = [path for path in FILES if path.suffix == ".md"]


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def prose(path: Path) -> str:
    return FENCE.sub("", path.read_text(encoding="utf-8"))


def anchors(path: Path) -> set[str]:
    """The ids that Markdown viewers give to headings."""
    found: dict[str, int] = {}
    ids = set()
    for heading in HEADING.findall(prose(path)):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
        ids.add(f"{slug}-{found[slug]}" if slug in found else slug)
        found[slug] = found.get(slug, 0) + 1
    return ids


def test_there_are_pages():
    assert ROOT / "README.md" in PAGES
    assert len(PAGES) > 15


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_links_lead_somewhere(path):
    broken = []
    for target in LINK.findall(prose(path)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        place = (path.parent / unquote(name)).resolve() if name else path
        if (
            not place.exists()
            or not place.is_relative_to(ROOT)
            or (anchor and place.suffix == ".md" and anchor not in anchors(place))
        ):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_files_that_are_named_exist(path):
    text = prose(path)
    gone = [name for name in NAMED.findall(text) if not list(ROOT.glob(name.rstrip("/")))]
    assert gone == []


def test_tests_that_are_named_exist():
    defined = set()
    for path in (ROOT / "tests").rglob("*.py"):
        defined.update(
            re.findall(r"^(?:async )?def (test_\w+)", path.read_text("utf-8"), re.MULTILINE)
        )
    gone = {
        (name_of(path), name)
        for path in PAGES
        for name in TEST.findall(prose(path))
        if name not in defined
    }
    assert gone == set()


def test_every_setting_is_explained():
    example = (ROOT / "deploy" / "settings.env.example").read_text(encoding="utf-8")
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert re.search(rf"^#?COMITY_{name.upper()}=", example, re.MULTILINE), name


def test_every_variable_of_the_environment_is_documented():
    """What the program reads beside its settings stands on some page."""
    read = {
        name
        for path in (ROOT / "api").rglob("*.py")
        for name in re.findall(r"[\"'](COMITY_[A-Z_]+)[\"']", path.read_text("utf-8"))
    }
    pages = "\n".join(path.read_text("utf-8") for path in PAGES)
    pages += (ROOT / "deploy" / "settings.env.example").read_text("utf-8")
    assert {name for name in read if name.rstrip("_") != "COMITY" and name not in pages} == set()


FORBIDDEN = {
    "a registry's address": r"\b(?:pypi\.org|files\.pythonhosted\.org|registry\.npmjs\.org)\b",
    "an index option": r"--(?:extra-)?index-url\b",
    "a home folder": r"/(?:root|home/[a-z]\w*)/(?!\.)",
    "a folder of somebody's machine": r"(?<![\w.])/(?:work|Users)/[\w.-]+",
    "a private key": r"-----BEGIN (?:EC |RSA |OPENSSH )?PRIVATE KEY-----\s+[A-Za-z0-9+/]{16}",
}
"""What no file of the repository may name. This file does, in order to look for it."""


@pytest.mark.parametrize("what", sorted(FORBIDDEN))
def test_no_file_names_what_belongs_to_a_machine(what):
    pattern = re.compile(FORBIDDEN[what])
    found = []
    for path in FILES:
        if path == Path(__file__) or path.suffix in {".png", ".zip", ".der"}:
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        if match := pattern.search(text):
            line = text.count("\n", 0, match.start()) + 1
            found.append(f"{name_of(path)}:{line} {match[0]}")
    assert found == []


def test_package_locks_of_oracles_resolve_by_name_only():
    """An npm lock names no host: integrity is what counts."""
    for path in FILES:
        if path.name == "package-lock.json":
            assert '"resolved"' not in path.read_text("utf-8"), name_of(path)


@foreign.needs("git")
def test_without_git_the_same_files_are_found(tmp_path):
    """An archive of the repository is judged like the repository."""
    if not (ROOT / ".git").exists():
        pytest.skip("this is no checkout, so there is nothing to compare with")
    copy = tmp_path / "copy"
    ignored = shutil.ignore_patterns(".git", ".venv*", "node_modules", ".*_cache", ".hypothesis")
    shutil.copytree(ROOT, copy, ignore=ignored, symlinks=True)
    walked = {str(path.relative_to(copy)) for path in checkout.walked(copy)}
    assert walked == {name_of(path) for path in FILES}
