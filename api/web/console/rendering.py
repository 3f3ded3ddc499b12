"""Templates to pages: one Jinja environment for each language.

Owns what every template can use (dates, digests, names, labels, form tokens) and the headers of a
page. Everything that is shown is escaped; an unknown name in a template is an error, never a gap.
"""

import base64
import functools
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

from babel.dates import get_month_names
from babel.numbers import format_decimal
from fastapi.responses import Response
from jinja2 import (
    Environment,
    FileSystemLoader,
    PrefixLoader,
    StrictUndefined,
    select_autoescape,
)
from markupsafe import Markup, escape

from api.web.console import error_summary, labels, law_facts, static_files
from api.web.console.components import component
from api.web.console.words import REGIONAL, Language, catalogue, other
from api.web.languages import french

_TEMPLATES: Final = static_files.FOLDER.parent / "templates"
_SHORT: Final = 8
_RECORD: Final = 32
_SHORT_BY_TIME: Final = 12  # records are named by their time: eight digits last for a minute
_MONOSPACED: Final = re.compile(r"sha256:[0-9a-f]{64}|[0-9a-f]{32,64}")
_KILO: Final = 1000
_RIGHT_TO_LEFT: Final = {"R", "AL"}
_LATIN: Final = (Markup('<bdi translate="no">'), Markup("</bdi>"))
_TOLD: Final = (
    *("title", "summary", "language", "names", "schema", "subject", "subjects", "act", "scheme"),
    *("value", "precision", "from", "to", "birth_dates", "birth_place", "positions", "countries"),
    *("identifiers", "finding", "regime", "ground", "grounds", "reasons", "claims", "exhibits"),
)
"""Members of statements in the order in which people tell them; on the wire they are sorted."""
_SCRIPTS: Final = (
    ("ARABIC", "ar"),
    ("HEBREW", "he"),
    ("CYRILLIC", "ru"),
    ("HIRAGANA", "ja"),
    ("KATAKANA", "ja"),
    ("HANGUL", "ko"),
    ("CJK", "zh"),
    ("GREEK", "el"),
    ("THAI", "th"),
    ("DEVANAGARI", "hi"),
    ("ARMENIAN", "hy"),
    ("GEORGIAN", "ka"),
    ("MYANMAR", "my"),
)


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around every page.

    Attributes:
        language: of the page.
        path: its address without language, for the toggle; with its query.
        ministry: this ministry's name.
        navigation: entries of the service's navigation.
        officer: name of the officer; empty for strangers.
        token: makes a form's token from a path and a tag.
        seconds: until the session ends; 0 for strangers.
        nonce: of this page's scripts.
        ministries: names of the members, by id.
        grounds: words of the regimes' grounds in the page's language, by id.
    """

    language: Language
    path: str
    ministry: str
    navigation: tuple[Mapping[str, Any], ...]
    officer: str
    token: Callable[[str, str], str]
    seconds: int
    nonce: str
    ministries: Mapping[str, str]
    grounds: Mapping[str, str]


@functools.cache
def environment(language: Language) -> Environment:
    """Return the environment of one language."""
    loader = PrefixLoader(
        {
            "console": FileSystemLoader(_TEMPLATES),
        }
    )
    made = Environment(
        loader=loader,
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
        # Templates are a part of the program: a page asks for none of them whether it changed.
        auto_reload=False,
    )
    words = catalogue(language)
    # Old style: new-style gettext would apply % formatting to every message.
    made.install_gettext_translations(words, newstyle=False)  # type: ignore[attr-defined]
    written = Written(language)
    made.filters.update(
        instant=written.instant,
        second=written.second,
        day=written.day,
        number=written.number,
        size=written.size,
        short=short,
        plain=plain,
        label=functools.partial(labels.label, language),
        why=functools.partial(labels.why, language),
        named=named,
        tongue=tongue,
        digest=grouped,
        in_order=in_order,
        refusal=functools.partial(refusal, language),
        fact=functools.partial(law_facts.fact, language),
    )
    made.globals.update(asset=static_files.address, regional=REGIONAL[language], language=language)
    made.globals["component"] = component
    # French sets a no-break space before it.
    made.globals["colon"] = "\u00a0:" if language == "fr" else ":"
    return made


class Written:
    """Dates, numbers and sizes as a page in one language writes them.

    One fixed pattern in both languages, because readers compare them: day, month's name, year,
    24-hour time, the letters UTC.
    """

    def __init__(self, language: Language) -> None:
        self._language = language
        self._months = get_month_names("wide", locale=language)

    def instant(self, text: str | None) -> Markup:
        """Return an instant of the protocol (RFC 3339, UTC) for people, with the exact form."""
        return self._at(text, "%H:%M")

    def second(self, text: str | None) -> Markup:
        """Return an instant to the second, for those who compare times with others."""
        return self._at(text, "%H:%M:%S")

    def _at(self, text: str | None, clock: str) -> Markup:
        if not text:
            return Markup("")
        try:
            at = datetime.fromisoformat(text).astimezone(UTC)
        except ValueError:
            return Markup("{}").format(text)
        shown = f"{self._date(at.date())}, {at.strftime(clock)} UTC"
        return Markup('<time datetime="{}">{}</time>').format(text, shown)

    def day(self, text: str | date | None) -> Markup:
        """Return a day (ISO 8601); an instant loses its time, a shorter form stays as it is."""
        if not text:
            return Markup("")
        raw = text.isoformat() if isinstance(text, date) else text
        try:
            at = date.fromisoformat(raw[:10])
        except ValueError:
            return Markup("{}").format(raw)
        return Markup('<time datetime="{}">{}</time>').format(raw, self._date(at))

    def number(self, value: float) -> str:
        """Return a number with the language's separators."""
        return str(format_decimal(value, locale=REGIONAL[self._language].replace("-", "_")))

    def size(self, value: int) -> str:
        """Return a size in decimal units: bytes, kB, MB, GB."""
        units = (
            ["o", "ko", "Mo", "Go", "To"]
            if self._language == "fr"
            else ["B", "kB", "MB", "GB", "TB"]
        )
        amount, unit = float(value), 0
        while amount >= _KILO and unit < len(units) - 1:
            amount, unit = amount / _KILO, unit + 1
        shown = self.number(int(amount)) if unit == 0 else self.number(round(amount, 1))
        return f"{shown}\u00a0{units[unit]}"

    def _date(self, at: date) -> str:
        day = "1er" if self._language == "fr" and at.day == 1 else str(at.day)
        return f"{day} {self._months[at.month]} {at.year}"


def in_order(members: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return a statement's members as people tell them; those without a place keep theirs."""
    places = {name: place for place, name in enumerate(_TOLD)}
    return sorted(members.items(), key=lambda one: places.get(one[0], len(_TOLD)))


def plain(id_: str) -> str:
    """Return an id without its scheme, as addresses carry it."""
    return id_.removeprefix("sha256:")


def short(id_: str) -> Markup:
    """Return the short reference of an id; the whole id is its title."""
    shown = plain(id_)
    digits = _SHORT_BY_TIME if len(shown) == _RECORD else _SHORT
    return Markup('<span class="app-digest" title="{}">{}</span>').format(id_, shown[:digits])


def grouped(id_: str) -> Markup:
    """Return a digest in groups of four, as people read it aloud."""
    scheme, found = ("sha256:", plain(id_)) if id_.startswith("sha256:") else ("", id_)
    if not _MONOSPACED.fullmatch(scheme + found):
        return Markup('<span class="app-digest">{}</span>').format(id_)
    groups = " ".join(found[at : at + 4] for at in range(0, len(found), 4))
    return Markup('<span class="app-digest">{}{}</span>').format(scheme, groups)


def tongue(text: str) -> str:
    """Return the language tag to guess for a name by its script (BCP 47); empty for Latin."""
    if text.isascii():
        return ""
    for character in text:
        if not character.isalpha():
            continue
        name = unicodedata.name(character, "")
        for script, tag in _SCRIPTS:
            if name.startswith(script):
                return tag
    return ""


def named(text: str | None, lang: str = "") -> Markup:
    """Return a name or text that is not the page's own: never translated, marked as foreign."""
    if not text:
        return Markup("")
    tag = lang or tongue(text)
    if not tag and text.isascii():
        return _LATIN[0] + escape(text) + _LATIN[1]
    left = any(unicodedata.bidirectional(one) in _RIGHT_TO_LEFT for one in text)
    direction = Markup(' dir="rtl"') if left else Markup("")
    if tag:
        return Markup('<span lang="{}"{} translate="no">{}</span>').format(tag, direction, text)
    return Markup('<bdi translate="no"{}>{}</bdi>').format(direction, text)


def refusal(language: Language, sentence: str) -> Markup:
    """Return a refusal's own sentence in the page's language; English is marked as such."""
    told = french(sentence) if language == "fr" else sentence
    if told is not None:
        return Markup("{}").format(told)
    return Markup('<span lang="en">{}</span>').format(sentence)


def page(frame: Frame, template: str, members: Mapping[str, Any]) -> str:
    """Return a page's HTML."""
    made = environment(frame.language)
    opposite = other(frame.language)
    path = frame.path or "/"
    whole = {
        **members,
        "frame": frame,
        "toggle": f"/{opposite}{path}",
        "toggle_language": opposite,
        "home": f"/{frame.language}/",
        "to": lambda path: f"/{frame.language}{path}",
        "secured": lambda path="", tag="": _secured(frame, path, tag),
        "ministry": lambda id_: _ministry(frame, id_),
        "ground": lambda id_: _ground(frame, id_),
    }
    return error_summary.completed(made.get_template(f"console/{template}").render(whole))


def _ministry(frame: Frame, id_: str) -> Markup:
    """Return a member's name, with its id as title; what is no member's id as it is written."""
    if id_ not in frame.ministries:
        return named(id_)
    return Markup('<bdi translate="no" title="{}">{}</bdi>').format(id_, frame.ministries[id_])


def _ground(frame: Frame, id_: str) -> Markup:
    """Return a ground in the law's words with its id; other words as they are written."""
    if id_ not in frame.grounds:
        return named(id_)
    return Markup('{} <span class="govuk-hint" translate="no">({})</span>').format(
        frame.grounds[id_], id_
    )


def _secured(frame: Frame, path: str, tag: str) -> Markup:
    """Return the hidden fields that every form carries."""
    where = path or frame.path.partition("?")[0]
    return Markup(
        '<input type="hidden" name="csrf" value="{}"><input type="hidden" name="tag" value="{}">'
    ).format(frame.token(where, tag), tag)


def nonce(data: bytes) -> str:
    """Return a nonce for one page out of random bytes."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def respond(html: str, status: int, frame: Frame, provider: str) -> Response:
    """Return a page with its headers: nothing inline, nothing from elsewhere, nothing kept.

    Args:
        html: the page.
        status: HTTP status.
        frame: of the page.
        provider: origin of the sign-in service, to which signing out leads.
    """
    policy = (
        f"default-src 'none'; script-src 'nonce-{frame.nonce}'; style-src 'self'; "
        "img-src 'self'; font-src 'self'; connect-src 'self'; manifest-src 'none'; "
        f"form-action 'self' {provider}; base-uri 'none'; frame-ancestors 'none'"
    )
    headers = {
        "content-security-policy": policy,
        "cache-control": "no-store",
        "content-language": REGIONAL[frame.language],
        # With "no-referrer" browsers would post forms with "Origin: null".
        "referrer-policy": "same-origin",
        "cross-origin-opener-policy": "same-origin",
        "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=()",
        "vary": "cookie",
    }
    return Response(html, status, headers, "text/html; charset=utf-8")
