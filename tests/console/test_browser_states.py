"""Pages in the states that are seldom looked at: empty, refused, enlarged, recoloured, printed, left.

One browser, pages in loops; what `test_browser` looks at is not looked at again.
"""

from contextlib import closing
from typing import Any

import pytest

from api.web.console.pages import PAGES
from tests.support import foreign
from tests.support.browsing import console_served, violations
from tests.support.campaigns import long, short
from tests.support.console import US
from tests.support.federation import Federation

pytestmark = foreign.needs("chromium")

ROLES = {
    "analyst": "analyst",
    "reviewer": "reviewer",
    "auditor": "auditor",
    "admin": "administrator",
}
LISTS = [page for page in PAGES if "{" not in page.path and not page.download]
FORMS = {
    "officer_new": "admin",
    "officer_grant": "admin",
    "absence_new": "analyst",
    "conflict_new": "reviewer",
    "membership_new": "admin",
    "erasure_new": "admin",
    "sample_new": "auditor",
    "sample": "auditor",
    "entry": "auditor",
    "exports": "auditor",
    "verify": "auditor",
    "list_import": "analyst",
    "diary": "analyst",
    "package_release": "analyst",
    "package_return": "reviewer",
    "package_acquisition": "reviewer",
    "draft_return": "reviewer",
    "watch_new": "analyst",
    "verdict": "analyst",
    "task_assign": "analyst",
    "onward_consent": "analyst",
    "mirror_request_new": "analyst",
    "proposal_new": "analyst",
    "designation_new": "analyst",
}
"""Pages whose form says what is missing when it is sent empty, and who sends it."""


@pytest.fixture(scope="module")
def tabs(served, browser):
    made = {name: served.context(browser, name) for name in ROLES}
    yield {name: context.new_page() for name, context in made.items()}
    for context in made.values():
        context.close()


def opened_by(page) -> str:
    return next(name for name, role in ROLES.items() if role in page.roles)


def sent_empty(tab) -> None:
    """Send the page's own form with nothing typed."""
    with tab.expect_navigation():
        tab.evaluate(
            """() => {
              const form = document.querySelector('main form[method="post"]');
              for (const one of form.querySelectorAll('input[type=text], textarea')) one.value = '';
              for (const box of form.querySelectorAll('input:checked')) box.checked = false;
              form.querySelector('button').click();
            }"""
        )


@pytest.mark.parametrize("language", ["fr", *long("en")])
def test_refused_forms_break_no_rule_and_lead_to_the_fault(served, tabs, matter, language):
    broken: dict[str, Any] = {}
    for name, officer in list(FORMS.items())[:: 4 if short(__file__) else 1]:
        tab, path = tabs[officer], matter.paths[name]
        tab.goto(f"{served.address}/{language}{path}")
        if not tab.locator('main form[method="post"]').count():
            continue
        sent_empty(tab)
        prefix = "Error:" if language == "en" else "Erreur"
        if not tab.title().startswith(prefix):
            broken[name] = f"title: {tab.title()}"
        elif tab.evaluate("document.activeElement.className") != "govuk-error-summary":
            broken[name] = "the summary has no focus"
        elif found := violations(tab):
            broken[name] = found
    assert broken == {}


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    with (
        closing(Federation(tmp_path_factory.mktemp("empty"))) as federation,
        console_served(federation, US) as served,
    ):
        yield served


@pytest.mark.parametrize(
    "name", ["reviewer", *long(*(each for each in ROLES if each != "reviewer"))]
)
def test_a_node_without_anything_breaks_no_rule(browser, empty, name):
    context = empty.context(browser, name)
    tab, broken = context.new_page(), {}
    for page in LISTS:
        if opened_by(page) == name:
            tab.goto(f"{empty.address}/fr{page.path}")
            if found := violations(tab):
                broken[page.path] = found
    context.close()
    assert broken == {}


def test_colours_of_the_reader_take_nothing_away(served, browser, matter):
    """Forced colours: marks keep their words, buttons an edge, and what has the focus is seen."""
    context = served.context(browser, "admin", forced_colors="active")
    tab = context.new_page()
    for name in ("run", "people", "misbehaviour", "officer"):
        tab.goto(f"{served.address}/en{matter.paths[name]}")
        for mark in tab.locator(".govuk-tag").all():
            assert mark.inner_text().strip(), name
        for button in tab.locator(".govuk-button").all():
            edge = "e => getComputedStyle(e).borderTopStyle + getComputedStyle(e).outlineStyle"
            assert "solid" in button.evaluate(edge), name
        tab.keyboard.press("Tab")
        tab.keyboard.press("Tab")
        seen = "getComputedStyle(document.activeElement).outlineStyle"
        assert tab.evaluate(seen) != "none", name
    context.close()


def test_an_administrator_decides_with_the_keyboard_alone(served, browser, matter):
    context = served.context(browser, "admin")
    tab = context.new_page()
    tab.goto(f"{served.address}/fr/people")

    def reach(wanted: str) -> None:
        for _ in range(200):
            tab.keyboard.press("Tab")
            if tab.evaluate("document.activeElement.textContent").strip().startswith(wanted):
                return
        raise AssertionError(wanted)

    reach("Décider")
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/approve")
    reach("Approuver")
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/fr/people")
    context.close()


def test_names_say_their_language(served, tabs, matter):
    tab = tabs["analyst"]
    tab.goto(f"{served.address}/en/subjects?q=WANG Junzheng")
    assert tab.locator("h1").get_attribute("lang") is None
    tab.goto(f"{served.address}/en/lists/editions/{matter.paths['edition'].rpartition('/')[2]}")
    for name in tab.locator("main [lang=zh]").all():
        assert name.get_attribute("translate") == "no"


def test_what_was_shown_is_gone_after_signing_out(served, browser, matter):
    context = served.context(browser, "analyst")
    tab = context.new_page()
    tab.goto(f"{served.address}/en{matter.paths['package']}")
    assert "Detention in Xinjiang" in tab.content()
    context.clear_cookies()
    tab.goto(f"{served.address}/en/signed-out")
    tab.go_back()
    tab.wait_for_load_state("load")
    assert "Detention in Xinjiang" not in tab.content()
    assert "/sign-in" in tab.url
    context.close()


def test_no_page_can_be_put_into_a_frame(served, browser):
    context = served.context(browser, "analyst", bypass_csp=False)
    tab = context.new_page()
    tab.goto("about:blank")
    tab.set_content(f'<iframe src="{served.address}/en/packages"></iframe>')
    tab.wait_for_timeout(500)
    inner = tab.frames[-1]
    assert "Packages" not in (inner.content() if inner is not tab.main_frame else "")
    context.close()


def test_paper_has_what_matters_and_no_controls(served, tabs, matter):
    tab = tabs["analyst"]
    tab.goto(f"{served.address}/en{matter.paths['package']}")
    tab.emulate_media(media="print")
    assert not tab.locator(".govuk-service-navigation").is_visible()
    assert not tab.locator(".app-footer").is_visible()
    assert tab.locator("h1").is_visible()
    tab.emulate_media(media="screen")
