"""Every page in a real browser: accessible by axe's rules, narrow, without scripts, by keyboard."""

import json
import re
from dataclasses import dataclass

import pytest

from api.services.desk import evidence
from api.web.console.pages import PAGES
from tests.support import exchange, foreign
from tests.support.browsing import violations
from tests.support.campaigns import long, short
from tests.support.console import UK, US
from tests.support.console_run import later_edition

pytestmark = foreign.needs("chromium")

ROLES = {
    "analyst": "analyst",
    "reviewer": "reviewer",
    "auditor": "auditor",
    "admin": "administrator",
}
WIDTH = "document.documentElement.scrollWidth"
OPEN = ["/sign-in", "/signed-out", "/help", "/accessibility", "/nothing/here"]
HOSTILE = (
    "<img src=//evil.example/x onerror=alert(1)><script>alert(2)</script>\"'><svg onload=alert(3)>"
)


@pytest.fixture(scope="module")
def contexts(served, browser):
    made = {name: served.context(browser, name) for name in ROLES}
    yield made
    for context in made.values():
        context.close()


def opened_by(page) -> str:
    return next(name for name, role in ROLES.items() if role in page.roles)


def visited(matter) -> list[tuple[str, str]]:
    return [(opened_by(page), matter.paths[page.name]) for page in PAGES if not page.download]


def enlarged(tab) -> int:
    """400 % of 1280 pixels (WCAG 2.2 1.4.4 and 1.4.10); the page is left as it was."""
    tab.set_viewport_size({"width": 1280, "height": 1024})
    tab.evaluate("document.documentElement.style.setProperty('font-size', '400%', 'important')")
    assert tab.evaluate("getComputedStyle(document.documentElement).fontSize") == "64px"
    width = tab.evaluate(WIDTH)
    tab.evaluate("document.documentElement.style.removeProperty('font-size')")
    return int(width)


@dataclass(frozen=True)
class Seen:
    """What one visit of a page showed; `enlarged` is its width with text four times as large."""

    path: str
    violations: list[tuple[str, str]]
    width: int
    enlarged: int
    headings: int
    language: str
    title: str


THIRDS = [(language, third) for language in ("fr", "en") for third in range(3)]


@pytest.fixture(scope="module", params=[THIRDS[0], *long(*THIRDS[1:])], ids=str)
def pages(request, served, contexts, matter):
    """A third of the pages in one language, each loaded once: as wide as a desk's screen, narrowed, enlarged.

    A short run takes every fourth of them.
    """
    (language, third), found = request.param, []
    tabs = {name: context.new_page() for name, context in contexts.items()}
    every = [*visited(matter), *(("auditor", path) for path in OPEN)]
    for name, path in every[third :: 12 if short(__file__) else 3]:
        tab = tabs[name]
        tab.set_viewport_size({"width": 1280, "height": 720})
        tab.goto(f"{served.address}/{language}{path}")
        broken = violations(tab)
        tab.set_viewport_size({"width": 320, "height": 640})
        found.append(
            Seen(
                path,
                broken,
                tab.evaluate(WIDTH),
                enlarged(tab),
                tab.locator("h1").count(),
                tab.locator("html").get_attribute("lang"),
                tab.title(),
            )
        )
    for tab in tabs.values():
        tab.close()
    return found


def test_no_rule_of_axe_is_broken_on_any_page(pages):
    assert {page.path: page.violations for page in pages if page.violations} == {}


HIDDEN_PARTS = """() => {
  const classes = ["govuk-error-message", "govuk-button", "govuk-summary-list", "govuk-body"];
  return classes.filter(name => {
    const part = document.createElement("p");
    part.className = name;
    part.textContent = "x";
    part.hidden = true;
    document.querySelector("main").append(part);
    return part.checkVisibility();
  });
}"""


def test_what_is_hidden_is_not_seen(served, contexts):
    """A component's own `display` would win over the browser's rule, as it did on passkey pages."""
    tab = contexts["analyst"].new_page()
    tab.goto(f"{served.address}/en/packages")
    assert tab.evaluate(HIDDEN_PARTS) == []
    tab.close()


@pytest.mark.parametrize("language", ["fr", *long("en")])
def test_what_an_edition_changes_is_read_before_it_is_proposed(
    served, contexts, federation, language
):
    tab = contexts["admin"].new_page()
    tab.goto(f"{served.address}/{language}/law/editions/new")
    document = later_edition(federation[US], "2997-01-31", "UK-GHR")
    document["grounds"].pop()
    content = json.dumps(document).encode()
    tab.set_input_files("#file", {"name": "a.json", "mimeType": "text/plain", "buffer": content})
    tab.locator("main form button").click()
    assert "2997" in tab.locator("main").inner_text()
    assert violations(tab) == []
    tab.set_viewport_size({"width": 320, "height": 640})
    assert tab.evaluate(WIDTH) <= 320
    tab.close()


def test_axe_would_have_found_something(served, contexts):
    """A page that we break is not passed: the rules do run."""
    tab = contexts["analyst"].new_page()
    tab.goto(f"{served.address}/en/packages")
    tab.evaluate("document.querySelector('label').remove(); document.documentElement.lang = ''")
    assert {rule for rule, _ in violations(tab)} >= {"html-has-lang"}
    tab.close()


def test_pages_fit_a_screen_of_320_pixels(pages):
    assert [(page.path, page.width) for page in pages if page.width > 320] == []


def test_text_four_times_as_large_needs_no_scrolling_sideways(pages):
    assert [(page.path, page.enlarged) for page in pages if page.enlarged > 1280] == []


def test_nothing_is_asked_of_another_host_and_no_script_of_others_runs(served, federation, browser):
    package = exchange.package(
        federation, US, title=HOSTILE, summary=HOSTILE, exculpatory=HOSTILE, legal_basis=HOSTILE
    )
    context = served.context(browser, "analyst")
    tab = context.new_page()
    asked, said = [], []
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
    tab.on("console", lambda message: said.append(message.text))
    for path in ("/en/packages", f"/en/packages/{package[7:]}", "/fr/subjects?q=evil"):
        tab.goto(f"{served.address}{path}")
        tab.wait_for_load_state("networkidle")
    with tab.expect_response("**/console/feed*"):
        tab.goto(f"{served.address}/en/")
    context.close()
    assert said == []
    assert {url.split("/")[2] for url in asked} == {served.address.split("/")[2]}


def test_a_reviewer_decides_without_scripts(served, federation, browser):
    package = exchange.package(federation, US, title="Without scripts")
    content = {
        "recipient": UK,
        "marking": {
            "tlp": "AMBER",
            "releasable_to": [UK],
            "originator_control": True,
            "permitted_use": ["consideration of designation"],
        },
        "legal_basis": "For the test.",
    }
    made = evidence.release(federation[US], federation.officer(US, "analyst"), package, content)
    draft = made.id
    context = served.context(browser, "reviewer", java_script_enabled=False)
    tab = context.new_page()
    tab.goto(f"{served.address}/fr/drafts/{draft}")
    tab.get_by_role("button", name="Approuver").click()
    tab.get_by_role("button", name="Approuver et sceller").click()
    assert tab.title().startswith("Erreur")
    tab.get_by_role("checkbox").check()
    tab.get_by_role("button", name="Approuver et sceller").click()
    assert tab.url.endswith(f"/fr/drafts/{draft}/done")
    assert tab.get_by_role("heading", level=1).inner_text() == "Approuvé et scellé"
    context.close()


def test_a_keyboard_is_enough(served, contexts, matter):
    """The first key reaches the skip link, and every control can be reached and is seen."""
    tab = contexts["reviewer"].new_page()
    tab.goto(f"{served.address}/en{matter.paths['draft']}")
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.textContent.trim()") == "Skip to main content"
    tab.keyboard.press("Enter")
    assert tab.url.endswith("#main-content")
    wanted = tab.locator("main a[href], main button, main input:not([type=hidden])").count()
    reached = set()
    for _ in range(wanted + 5):
        tab.keyboard.press("Tab")
        reached.add(tab.evaluate("(e => e.id + e.href + e.textContent)(document.activeElement)"))
    assert len(reached) >= wanted
    tab.close()


def test_every_page_has_one_heading_and_a_title_of_its_own(pages):
    assert {page.path: page.headings for page in pages if page.headings != 1} == {}
    assert {page.language for page in pages} in ({"en-CA"}, {"fr-CA"})
    titles = [page.title for page in pages]
    assert [title for title in titles if not re.fullmatch(r".+ – Comity – .+", title)] == []
    assert len(set(titles)) > len(titles) // 2
