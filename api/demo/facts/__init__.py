"""The story's facts, carried into the project with their sources.

Owns the reading of the JSON files, exhibits and lists beside it and the replacement of source keys
by what they stand for. Every fact here was published by a government or reported publicly; who
reads this must not use it for screening.
"""

import json
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Any

_CITED = "source"


def exhibit(label: str) -> bytes:
    """Return the bytes of one exhibit."""
    return (files(__name__) / "exhibits" / label).read_bytes()


def published_list(name: str) -> bytes:
    """Return the bytes of an extract of a published list; what it is stands in their README."""
    return (files(__name__) / "lists" / name).read_bytes()


def package(name: str) -> dict[str, Any]:
    """Return a package's description as it stands in its file, such as ``package-2020-07``."""
    return dict(_document(name))


def subject(identifier: str) -> dict[str, Any]:
    """Return who a subject is, in the form of a statement's subject without its key."""
    found: dict[str, Any] = _cited(_document("subjects")["subjects"][identifier])
    # Where a post is known from stays in the file: a statement's subject has no member for it.
    posts = [{"title": one["title"]} for one in found.get("positions", ())]
    return found | ({"positions": posts} if posts else {})


def not_same_as() -> list[dict[str, str]]:
    """Return pairs of subjects that are easily taken for each other, and why they are not."""
    found: list[dict[str, str]] = _document("subjects")["not_same_as"]
    return found


def designation(identifier: str, jurisdiction: str) -> dict[str, Any]:
    """Return one designation with its instants and the titles of its sources.

    Raises:
        LookupError: that jurisdiction has not listed that subject.
    """
    for entry in _document("designations")["designations"]:
        if (entry["subject"], entry["jurisdiction"]) == (identifier, jurisdiction):
            return {**entry, "sources": [source(key) for key in entry["sources"]]}
    raise LookupError(f"no designation of {identifier} by {jurisdiction}")


def listed_by(jurisdiction: str, day: str, subjects: Iterable[str]) -> dict[str, str]:
    """Return who of these subjects a jurisdiction had listed on a day: first name and since when.

    What counts is registration where there is one, else entry into force.
    """
    found = {}
    for entry in _document("designations")["designations"]:
        since = entry.get("registered", entry["in_force"])
        if entry["jurisdiction"] == jurisdiction and entry["subject"] in subjects and since <= day:
            found[str(subject(entry["subject"])["names"][0]["text"])] = str(since)
    return found


def followed(base: str, jurisdiction: str) -> dict[str, str | None]:
    """Return by the base list's reference since when another jurisdiction lists the subject.

    ``None`` where it does not, as far as the sources tell.
    """
    since = {
        (entry["subject"], entry["jurisdiction"]): str(entry.get("registered", entry["in_force"]))
        for entry in _document("designations")["designations"]
    }
    return {
        str(entry["list_reference"]): since.get((entry["subject"], jurisdiction))
        for entry in _document("designations")["designations"]
        if entry["jurisdiction"] == base
    }


def amendment(jurisdiction: str) -> dict[str, Any]:
    """Return the one amendment of the story that a jurisdiction made to its designations."""
    for entry in _document("designations")["amendments"]:
        if entry["jurisdiction"] == jurisdiction:
            return {**entry, "sources": [source(key) for key in entry["sources"]]}
    raise LookupError(f"no amendment by {jurisdiction}")


def source(key: str) -> str:
    """Return the title of a source with its address, if it has one."""
    entry = _document("sources")["sources"][key]
    url = entry.get("url")
    return f"{entry['title']}, {url}" if url else str(entry["title"])


def _cited(value: Any) -> Any:
    """Return a copy in which every ``source`` says what its key stands for."""
    if isinstance(value, dict):
        return {
            name: source(part) if name == _CITED else _cited(part) for name, part in value.items()
        }
    return [_cited(part) for part in value] if isinstance(value, list) else value


@cache
def _document(name: str) -> dict[str, Any]:
    text = (files(__name__) / f"{name}.json").read_text(encoding="utf-8")
    document: dict[str, Any] = json.loads(text)
    return document
