"""A described subject as a form: from fields to a body's part and back.

Owns the fields; which of them a subject needs is the protocol's (``wire/payloads/parts``).
"""

from collections.abc import Mapping
from typing import Any, Final

from api.web.console.forms import Form

SCHEMAS: Final = (
    "Person",
    "Organization",
    "PublicBody",
    "Company",
    "LegalEntity",
    "Vessel",
    "Airplane",
)
PRECISIONS: Final = ("year", "month", "day", "circa")
LINES: Final[Mapping[str, tuple[str, ...]]] = {
    "names": ("text", "script", "kind"),
    "birth_dates": ("value", "precision", "source"),
    "identifiers": ("scheme", "value"),
    "positions": ("title", "from", "to"),
}
"""Repeated lines of a subject, each with its members."""


def subject_in(form: Form) -> dict[str, Any]:
    """Return the subject that a form describes; members that nothing was typed for are absent."""
    found: dict[str, Any] = {"schema": form.one("schema")}
    for group, members in LINES.items():
        lines = [without_blanks(line) for line in form.rows(group, members)]
        if lines or group == "names":
            found[group] = lines
    if form.one("birth_place"):
        found["birth_place"] = form.one("birth_place")
    countries = form.one("countries").replace(",", " ").split()
    if countries:
        found["countries"] = countries
    return found


def without_blanks(line: Mapping[str, str]) -> dict[str, Any]:
    """Return a line without the members that were left blank."""
    return {name: value for name, value in line.items() if value}


def lines_of(found: Mapping[str, Any], group: str, members: tuple[str, ...]) -> list[Any]:
    """Return the lines of a group as a form shows them, with an empty one to write on."""
    lines = found.get(group)
    written = [one for one in lines if isinstance(one, Mapping)] if isinstance(lines, list) else []
    return [*written, dict.fromkeys(members, "")]


def fields_of(subject: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a form of a subject shows."""
    countries = subject.get("countries")
    return {
        "schema": subject.get("schema", "Person"),
        "birth_place": subject.get("birth_place", ""),
        "countries": ", ".join(countries) if isinstance(countries, list) else "",
        **{group: lines_of(subject, group, members) for group, members in LINES.items()},
    }
