"""The parts of a package in preparation: what each form writes into the body.

Owns the reading of forms; pure but for the uploads' bytes, which it measures and names. Where the
parts stand and who may write them is the pages'.
"""

import hashlib
import mimetypes
import re
from collections.abc import Mapping, Sequence
from typing import IO, Any, Final

from api.web.console.described import lines_of, subject_in, without_blanks
from api.web.console.forms import Form
from api.web.spool import pieces
from api.wire.errors import WireError
from api.wire.labels import check_label

SECTIONS: Final = ("subjects", "exhibits", "claims", "case_facts")
CUSTODY: Final = ("at", "by", "act")
_FACT_TEXTS: Final = ("victims", "state", "place", "from", "to", "note")
_COLLECTED: Final = ("by", "at", "how")
_MEDIA_TYPE: Final = re.compile(r"[a-z0-9][a-z0-9.+-]{0,62}/[a-z0-9][a-z0-9.+-]{0,62}")
_LONGEST_LABEL: Final = 200


def entries(body: Mapping[str, Any], section: str) -> list[dict[str, Any]]:
    """Return the entries of a section; none where nothing is written yet."""
    found = body.get(section)
    return [dict(one) for one in found] if isinstance(found, list) else []


def about_in(form: Form) -> dict[str, Any]:
    """Return title, summary and language."""
    return {name: form.one(name) for name in ("title", "summary", "language")}


def caveats_in(form: Form) -> dict[str, Any]:
    """Return what speaks against the subjects' part, the law, and whether it was compelled."""
    found: dict[str, Any] = {name: form.one(name) for name in ("exculpatory", "legal_basis")}
    if form.one("compelled") in {"yes", "no"}:
        found["compelled"] = form.one("compelled") == "yes"
    return found


def entry_in(section: str, form: Form, before: Mapping[str, Any]) -> dict[str, Any]:
    """Return one entry of a section as its form says it.

    Args:
        section: of ``SECTIONS``.
        form: what was posted.
        before: the entry as it was; holds what no form changes.
    """
    if section == "subjects":
        return {**subject_in(form), "key": before["key"]}
    if section == "exhibits":
        return _exhibit_in(form, before)
    return _claim_in(form) if section == "claims" else _fact_in(form)


def _exhibit_in(form: Form, before: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: before[name] for name in ("media_type", "size", "digest") if name in before}
    found |= {name: form.one(name) for name in ("label", "kind", "source")}
    collected = {name: form.one(f"collected_{name}") for name in _COLLECTED}
    if any(collected.values()):
        found["collected"] = collected
    custody = [without_blanks(line) for line in form.rows("custody", CUSTODY)]
    if custody:
        found["custody"] = custody
    if form.one("translation_of"):
        found["translation_of"] = form.one("translation_of")
    return found


def _claim_in(form: Form) -> dict[str, Any]:
    found: dict[str, Any] = {name: form.one(name) for name in ("subject", "act", "ground")}
    found["exhibits"] = form.every("exhibits")
    if form.one("note"):
        found["note"] = form.one("note")
    return found


def _fact_in(form: Form) -> dict[str, Any]:
    found: dict[str, Any] = {name: form.one(name) for name in ("conduct", "part")}
    lists = {name: form.every(name) for name in ("subjects", "exhibits")}
    texts = {name: form.one(name) for name in _FACT_TEXTS}
    return found | {name: value for name, value in {**lists, **texts}.items() if value}


def custody_lines(exhibit: Mapping[str, Any]) -> list[Any]:
    """Return the chain of custody as its form shows it."""
    return lines_of(exhibit, "custody", CUSTODY)


def next_key(subjects: Sequence[Mapping[str, Any]]) -> str:
    """Return a key that no subject has."""
    used = {one.get("key") for one in subjects}
    return next(f"s{number}" for number in range(1, len(used) + 2) if f"s{number}" not in used)


def measured(file: IO[bytes]) -> tuple[str, int]:
    """Return digest and length of an upload."""
    found, size = hashlib.sha256(), 0
    for piece in pieces(file):
        found.update(piece)
        size += len(piece)
    return f"sha256:{found.hexdigest()}", size


def label_for(name: str, taken: Sequence[str]) -> str:
    """Return a label for a file of this name: no path, and none that another exhibit has."""
    bare = name.replace("\\", "/").rpartition("/")[2].strip()[:_LONGEST_LABEL]
    try:
        check_label(bare)
    except (WireError, ValueError):
        bare = "exhibit"
    stem, dot, ending = bare.rpartition(".") if "." in bare[1:] else (bare, "", "")
    label, number = bare, 1
    while label in taken:
        number += 1
        label = f"{stem}-{number}{dot}{ending}"
    return label


def media_type_for(stated: str, name: str) -> str:
    """Return a file's media type: as its browser stated it, or by its name."""
    bare = stated.partition(";")[0].strip().lower()
    if _MEDIA_TYPE.fullmatch(bare):
        return bare
    return mimetypes.guess_type(name)[0] or "application/octet-stream"
