"""Both languages say the same: every message has its French form, every value its word."""

import re
from enum import StrEnum

import pytest

from api.domain.designations import ProposalState
from api.domain.drafts import DraftState
from api.domain.events import Act
from api.domain.evidence import HolderState, PackageState
from api.domain.four_eyes import Role
from api.domain.tasks import TaskKind
from api.domain.threads.facts import Phase
from api.web.console import act_labels, labels
from api.web.console.rendering import Written, grouped, named, tongue
from api.web.console.words import LANGUAGES, catalogue, preferred
from docs import console_words

CATALOGUE = [one for one in console_words.catalogue() if one.id]
PLACE = re.compile(r"%\((\w+)\)s|%\{(\w+)\}")


def forms(value) -> list[str]:
    return list(value) if isinstance(value, list | tuple) else [value]


def test_the_catalogue_holds_exactly_the_messages_that_are_shown():
    """Whoever adds a message runs ``python -m docs.console_words`` and translates it."""
    assert console_words.text(console_words.renewed()) == console_words.PO.read_bytes()


def test_every_message_is_translated():
    left = [one.id for one in CATALOGUE if not all(forms(one.string)) or one.fuzzy]
    assert left == []
    assert len(CATALOGUE) > 500


def test_both_languages_have_the_same_places():
    for message in CATALOGUE:
        wanted = set(PLACE.findall(forms(message.id)[-1]))
        assert set(PLACE.findall(forms(message.string)[-1])) == wanted, message.id
        for text in forms(message.string):
            assert not re.search(r"[^\W\d] :", text), f"no no-break space before a colon: {text}"
            assert "  " not in text, text
            assert "'" not in text, f"use the typographic apostrophe: {text}"


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("draft-state", DraftState),
        ("package-state", PackageState),
        ("holder-state", HolderState),
        ("proposal-state", ProposalState),
        ("phase", Phase),
        ("role", Role),
        ("task", TaskKind),
    ],
)
def test_every_value_of_ours_has_a_word_in_each_language(kind: str, values: type[StrEnum]):
    for value in values:
        for language in LANGUAGES:
            assert value.value in labels.LABELS[kind], f"{kind}: {value.value}"
            assert labels.label(language, value, kind) != value.value


def test_every_act_has_a_word_and_one_group():
    found = [act for _, acts in act_labels.grouped(Act) for act in acts]
    assert sorted(found) == sorted(Act), "each once"
    words = [labels.label(language, act, "act") for language in LANGUAGES for act in Act]
    assert all("." not in word for word in words)
    assert len(set(words)) == len(words), "two acts have one word, or one language the other's"


def test_every_task_says_why():
    assert {one.value for one in TaskKind} <= set(labels.WHY)


def test_a_value_that_nobody_foresaw_is_shown_as_it_is():
    assert labels.label("fr", "never-seen", "phase") == "never-seen"


def test_plural_forms_follow_the_language():
    words = catalogue("fr")
    one, many = "One subject", "%(count)s subjects"
    assert words.ngettext(one, many, 0) == words.ngettext(one, many, 1), "zero is one in French"
    assert words.ngettext(one, many, 2) != words.ngettext(one, many, 1)


@pytest.mark.parametrize(
    ("language", "instant", "shown"),
    [
        ("en", "2026-03-01T09:05:07.000Z", "1 March 2026, 09:05 UTC"),
        ("fr", "2026-03-01T09:05:07.000Z", "1er mars 2026, 09:05 UTC"),
        ("fr", "2026-12-31T23:59:59.999Z", "31 décembre 2026, 23:59 UTC"),
    ],
)
def test_instants_are_written_alike_with_their_exact_form(language, instant, shown):
    made = Written(language).instant(instant)
    assert made == f'<time datetime="{instant}">{shown}</time>'


@pytest.mark.parametrize("text", ["", None, "soon", "<b>", "2026-13-45"])
def test_what_is_no_instant_is_shown_as_text(text):
    assert "<b>" not in Written("en").instant(text)
    assert "<b>" not in Written("en").day(text)


def test_numbers_and_sizes_follow_the_language():
    assert Written("en").number(1234567) == "1,234,567"
    assert Written("fr").number(1234567).replace("\u202f", " ").replace("\xa0", " ") == "1 234 567"
    assert Written("fr").size(62_949_609).endswith("Mo")
    assert Written("en").size(999) == "999\xa0B"


@pytest.mark.parametrize(
    ("name", "tag"),
    [("陈全国", "zh"), ("ZHU Hailun", ""), ("محمد", "ar"), ("Лукашенко", "ru"), ("123", "")],
)
def test_names_in_other_scripts_say_so(name, tag):
    assert tongue(name) == tag
    made = named(name)
    assert 'translate="no"' in made
    assert (f'lang="{tag}"' in made) is bool(tag)
    assert ('dir="rtl"' in made) is (tag == "ar")


def test_digests_are_read_in_groups():
    assert grouped("sha256:" + "ab" * 32).count(" ") >= 15
    assert "&lt;script" in grouped("<script")


@pytest.mark.parametrize(
    ("accept", "language"),
    [("fr", "fr"), ("en-GB, fr;q=0.9", "en"), ("fr-CA, en;q=0.9", "fr"), ("x;q=y", "en")],
)
def test_a_browser_gets_the_language_it_asks_for(accept, language):
    assert preferred(accept) == language


def test_french_says_no_one_where_there_is_none():
    """Zero takes the singular in French: its words say the number, not one."""
    for message in CATALOGUE:
        if isinstance(message.id, tuple):
            assert re.search(r"%\((count|shown)\)s", forms(message.string)[0]), message.id
