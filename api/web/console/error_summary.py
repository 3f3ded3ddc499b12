"""The error summary of a drawn page: every line names its field as the form does, and leads to it.

Owns that. A line is made before the form is drawn and knows a field's id alone; labels and legends
are taken from the page itself, so that they are the words that the reader sees there.
"""

import re
from typing import Final

_SUMMARY: Final = re.compile(
    r'<ul class="govuk-list govuk-error-summary__list">.*?</ul>', re.DOTALL
)
_NAMED: Final = re.compile(r'<span data-field="([^"]*)">(.*?)</span>', re.DOTALL)
_LINK: Final = re.compile(r'<a href="#([^"]*)">(.*?)</a>', re.DOTALL)
_LEGEND: Final = re.compile(r"<legend\b[^>]*>(.*?)</legend>", re.DOTALL)
_FIELDSET: Final = re.compile(r"<(/?)fieldset\b")
_ID: Final = re.compile(r'\bid="([^"]+)"')
_ELEMENT: Final = re.compile(r"<[^>]+>")
_COUNTED: Final = re.compile(r"(.+)-[0-9]+")


def completed(html: str) -> str:
    """Return a page whose error summary, if it has one, names fields by their labels."""
    found = _SUMMARY.search(html)
    if found is None:
        return html
    ids = [one for one in _ID.findall(html) if one]

    def named(part: re.Match[str]) -> str:
        return _label(html, part[1]) or part[2]

    def linked(part: re.Match[str]) -> str:
        field = _nearest(part[1], ids)
        return f'<a href="#{field}">{part[2]}</a>' if field else part[2]

    lines = _LINK.sub(linked, _NAMED.sub(named, found[0]))
    return html[: found.start()] + lines + html[found.end() :]


def _label(html: str, field: str) -> str:
    """Return the words of a field's label, or of the legend that it stands under; else empty."""
    if not field:
        return ""
    found = re.search(
        rf'<label\b[^>]*\bfor="{re.escape(field)}"[^>]*>(.*?)</label>', html, re.DOTALL
    )
    at = html.find(f'id="{field}"')
    legend = _legend_over(html, at) if at >= 0 else ""
    # The label of the first of several answers is an answer; what is asked is the legend.
    choice = re.search(
        rf'<input\b[^>]*\bid="{re.escape(field)}"[^>]*\btype="(radio|checkbox)"', html
    )
    if choice and legend:
        return legend
    return _plain(found[1]) if found else legend


def _legend_over(html: str, at: int) -> str:
    """Return the legend of the fieldset that is open at a place."""
    depth = 0
    for one in reversed(list(_FIELDSET.finditer(html, 0, at))):
        depth += 1 if one[1] else -1
        if depth < 0:
            found = _LEGEND.search(html, one.start(), at)
            return _plain(found[1]) if found else ""
    return ""


def _plain(inner: str) -> str:
    """Return what elements say, without them; characters stay escaped as they were."""
    return " ".join(_ELEMENT.sub("", inner).split()).rstrip(" :\u00a0?")


def _nearest(field: str, ids: list[str]) -> str:
    """Return the id that a line leads to: the field's, else of the first that begins like it."""
    if field in ids:
        return field
    counted = _COUNTED.fullmatch(field)
    stems = [field, counted[1] if counted else "", field.partition("_")[0]]
    for stem in filter(None, stems):
        for one in ids:
            if one == stem or one.startswith((f"{stem}-", f"{stem}_")):
                return one
    return ""
