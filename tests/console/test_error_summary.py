"""Every line of an error summary names its field as the form does, and leads to it."""

import re

import pytest

from api.web.console import error_summary, reading
from api.web.console.rendering import environment
from api.web.console.words import LANGUAGES
from api.wire.errors import WireError

FORM = """
<label class="govuk-label" for="names_text-1">
  The name, as it is <b>written</b>
</label><input id="names_text-1" type="text">
<fieldset aria-describedby="tlp-hint"><legend class="x">
  How far may it go?
</legend><input class="y" id="tlp" name="tlp" type="radio" value="RED"><label for="tlp">TLP:RED</label>
<fieldset><legend>Inner</legend><input id="inner" type="text"></fieldset>
<input id="tlp-2" type="radio"></fieldset>
<fieldset><legend>The day &amp; the hour</legend><label for="at-day">Day</label><input id="at-day"></fieldset>
"""


def summary(*faults: dict, language: str = "en") -> list[tuple[str, str]]:
    """Where each line leads, and its words."""
    made = environment(language).from_string(
        '{% import "console/parts.html" as parts with context %}{{ parts.errors(faults) }}'
    )
    html = error_summary.completed(made.render(faults=faults, colon=":") + FORM)
    lines = re.findall(r"<li>(.*?)</li>", html, re.DOTALL)
    assert "data-field" not in html
    return [
        (
            next(iter(re.findall(r'href="#([^"]*)"', line)), ""),
            " ".join(re.sub(r"<[^>]+>", "", line).split()),
        )
        for line in lines
    ]


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        (
            {"field": "names_text-1", "where": "text", "number": 1, "text": "Fill this in."},
            ("names_text-1", "The name, as it is written 1: Fill this in."),
        ),
        (
            {"field": "tlp", "where": "tlp", "number": 0, "text": "Choose one of the answers."},
            ("tlp", "How far may it go: Choose one of the answers."),
        ),
        (
            {"field": "at", "where": "at", "number": 0, "text": "Fill this in."},
            ("at-day", "When: Fill this in."),
        ),
        (
            {"field": "none", "where": "title", "number": 0, "text": "Fill this in."},
            ("", "Title: Fill this in."),
        ),
        ({"field": "tlp", "text": "Choose a marking."}, ("tlp", "Choose a marking.")),
    ],
)
def test_a_line_has_the_words_of_the_form(fault, line):
    assert summary(fault) == [line]


def test_a_page_without_faults_stays_as_it_is():
    assert error_summary.completed(FORM) == FORM


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_refusal_of_a_body_names_no_member(language):
    fault = reading.refused(
        WireError("statement.body", "At /body/names/0/text: this text is too long.")
    )
    ((link, said),) = summary(fault, language=language)
    assert link == "names_text-1"
    assert said.startswith("The name, as it is written 1")
    assert "/body" not in said
