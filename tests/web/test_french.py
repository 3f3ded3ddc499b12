"""Refusals in French: whole, true to their English, and told to who asks for them."""

import ast
import inspect
import re

import pytest
from babel.messages.pofile import read_po

from api.domain import tasks as task_rules
from api.services.desk import task_sources
from api.services.statements import preview_words
from api.web import problems
from api.web.languages import PART, REFUSALS, french
from tests.support.console import US, console_on
from tests.support.federation import Federation
from tools import errors as codes

TOLD = r"services/(desk|statements)/|services/audit/[a-z_]+\.py|web/rest|web/console|\.cedar"
"""Where refusals come from that officers read."""
OPERATORS = {"acquisition", "retention"}


def catalogue() -> dict[str, str]:
    with REFUSALS.open("rb") as file:
        return {str(one.id): str(one.string) for one in read_po(file, locale="fr") if one.id}


CATALOGUE = catalogue()


def sentences() -> list[str]:
    """Every sentence that officers are refused with, from the page of codes."""
    found = []
    for line in codes.PAGE.read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
        if len(cells) != 5 or not re.search(TOLD, cells[4]) or cells[1] == "finding":
            continue
        if cells[0].strip("`").partition(".")[0] in OPERATORS:
            continue
        found += [one.replace("&lt;", "<") for one in cells[3].split("<br>")]
    return sorted({one for one in found if one and one != PART and one[:1].isupper()})


def test_every_refusal_of_officers_has_its_french():
    missing = [one for one in sentences() if one not in CATALOGUE]
    assert missing == []
    assert len(sentences()) > 250


def test_both_languages_have_the_same_parts_and_french_is_written_as_in_canada():
    for english, told in CATALOGUE.items():
        assert told.count(PART) == english.count(PART), english
        assert not re.search(r"[^\W\d] [:;?!]", told), (
            f"no-break before a colon, none before ;: {told}"
        )
        assert not re.search(r"« | »", told), f"no-break spaces inside guillemets: {told}"
        assert "'" not in told, told
        assert "  " not in told, told
        for code in re.findall(r"`[^`]+`|COMITY_\w+|sha256:|/packages", english):
            assert code in told, english


def test_why_a_task_waits_and_what_is_unusual_have_their_french():
    """Pages tell these sentences of the use cases through the same catalogue."""
    told = {*task_rules._WHICH.values(), *task_sources._DECIDE.values()}
    source = ast.parse(inspect.getsource(preview_words))
    for one in ast.walk(source):
        if isinstance(one, ast.Yield) and isinstance(one.value, ast.Constant):
            told.add(one.value.value)
    assert len(told) > 35
    assert sorted(told - set(CATALOGUE)) == []


def test_every_title_of_a_problem_has_its_french():
    assert [one for one in problems._TITLES.values() if french(one) is None] == []


@pytest.mark.parametrize(
    ("english", "told"),
    [
        ("Send at most 20 bytes.", "Envoyez au plus 20 octets."),
        ("Choose one of: a, b.", "Choisissez l’une de ces valeurs\u00a0: a, b."),
        ("There is no regime X…; choose Y.", "Il n’y a pas de régime X…; choisissez Y."),
        (
            "No policy permits x here. These roles may: analyst, reviewer.",
            "Aucune politique ne permet x ici. Ces rôles le peuvent\u00a0: analyste, réviseur.",
        ),
        ("Something nobody wrote.", None),
        ("", None),
    ],
)
def test_parts_of_the_case_are_carried_over(english, told):
    assert french(english) == told


@pytest.fixture(scope="module")
def console(tmp_path_factory):
    federation = Federation(tmp_path_factory.mktemp("nodes"))
    yield console_on(federation, US)
    federation.close()


@pytest.mark.parametrize(
    ("accept", "title", "language"),
    [
        ("fr-CA, en;q=0.5", "Authentifiez-vous", "fr-CA"),
        ("fr", "Authentifiez-vous", "fr-CA"),
        ("en, fr;q=0.9", "Sign in", None),
        ("", "Sign in", None),
        ("de", "Sign in", None),
    ],
)
def test_a_problem_document_is_told_in_the_language_asked_for(console, accept, title, language):
    browser = console.stranger()
    answer = browser.get("/api/v1/me", headers={"accept-language": accept})
    document = answer.json()
    assert document["title"] == title
    assert document["code"] == "token.missing", "a code is never translated"
    assert answer.headers.get("content-language") == language
    assert "accept-language" in answer.headers["vary"].lower()
    assert ("comity login" in document["detail"]) is True


def test_a_page_tells_a_refusal_in_its_own_language(console):
    browser = console.browser("analyst")
    nothing = "0" * 64
    assert "Il n’y a pas de tel dossier ici." in browser.get(f"/fr/packages/{nothing}").text
    assert "There is no such package here." in browser.get(f"/en/packages/{nothing}").text
