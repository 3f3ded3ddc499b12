"""Bring the console's French catalogue up to date with the messages of code and templates.

Usage, from the root of the repository:

    python -m docs.console_words            # write api/web/console/locale/fr/LC_MESSAGES/console.po
    python -m docs.console_words --check    # exit 1 if a message is missing, unused or left English

New messages are added without a translation and named on stdout; translators fill them in. Messages
that nothing uses any more are dropped. The order is that of the messages themselves, so that two
people's additions do not meet.
"""

import io
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po

ROOT: Final = Path(__file__).resolve().parent.parent
CONSOLE: Final = ROOT / "api/web/console"
PO: Final = CONSOLE / "locale/fr/LC_MESSAGES/console.po"
# Fixed, so that the file changes only when its messages do.
_WRITTEN: Final = datetime(2026, 11, 28, tzinfo=UTC)
_PYTHON: Final = {"mark": None}
_JINJA: Final = {"_": None, "gettext": None, "ngettext": (1, 2)}
_OPTIONS: Final = {
    "trimmed": "false",
    "silent": "false",
    "newstyle_gettext": "false",
    "trim_blocks": "true",
    "lstrip_blocks": "true",
    "extensions": "jinja2.ext.do",
}


def messages() -> list[str | tuple[str, str]]:
    """Return every message that the console shows, sorted; plural forms as pairs."""
    found: set[Any] = set()
    for path in sorted(CONSOLE.rglob("*.py")):
        found |= _of(path, "python", _PYTHON, {})
    for path in sorted((CONSOLE / "templates").rglob("*.html")):
        found |= _of(path, "jinja2", _JINJA, _OPTIONS)
    return sorted(found, key=lambda one: one if isinstance(one, str) else one[0])


def _of(path: Path, method: str, words: Any, options: dict[str, str]) -> set[Any]:
    data = io.BytesIO(path.read_bytes())
    return {
        tuple(message) if isinstance(message, list | tuple) else message
        for _, message, _, _ in extract(method, data, words, options=options)
    }


def catalogue() -> Catalog:
    """Return the committed catalogue."""
    with PO.open("rb") as file:
        return read_po(file, locale="fr", domain="console")


def renewed() -> Catalog:
    """Return the catalogue with exactly the messages that are shown."""
    old = catalogue() if PO.exists() and PO.stat().st_size else Catalog(locale="fr")
    made = Catalog(
        locale="fr",
        domain="console",
        project="Comity",
        fuzzy=False,
        charset="utf-8",
        header_comment="# French of the console, as a Canadian ministry writes it.",
        creation_date=_WRITTEN,
        revision_date=_WRITTEN,
    )
    for one in messages():
        known = old.get(one if isinstance(one, str) else one[0])
        made.add(one, known.string if known is not None else None)
    return made


def text(made: Catalog) -> bytes:
    """Return the file's bytes."""
    out = io.BytesIO()
    write_po(out, made, width=0, omit_header=False, sort_output=True)
    return out.getvalue()


def main() -> int:
    """Write or check."""
    made = renewed()
    missing = [one.id for one in made if one.id and not all(_strings(one.string))]
    for one in missing:
        print(one)
    if "--check" in sys.argv:
        return 1 if missing or text(made) != PO.read_bytes() else 0
    PO.write_bytes(text(made))
    return 0


def _strings(value: Any) -> list[str]:
    return list(value) if isinstance(value, list | tuple) else [value or ""]


if __name__ == "__main__":
    sys.exit(main())
