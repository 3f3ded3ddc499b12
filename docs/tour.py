"""Take the pictures of docs/tour.md from a running demo: ``python -m docs.tour DIR [FOLDER]``.

DIR is the folder of the demo (``make demo``; its ``demo.json`` names nodes, people, passwords).
With FOLDER each picture is taken there in both languages, to be looked at. Names in Chinese need a
font that has them (Debian: ``fonts-noto-cjk``).
Officers sign in through the real form of the provider in headless Chromium; each picture is one
screen high.
"""

import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, Page, sync_playwright

PICTURES: Final = Path(__file__).resolve().parent / "img"
_CHROMIUM: Final = Path("/usr/bin/chromium")
_WIDTH, _HEIGHT = 1000, 760
_ELSEWHERE: Final = 2


@dataclass(frozen=True)
class Stop:
    """One picture.

    Attributes:
        name: of the file.
        user: who is signed in.
        language: of the page.
        path: address of the page, or of a list or search whose first entry is opened.
        first: open the first entry of the list.
        anchor: part of the page to show.
    """

    name: str
    user: str
    language: str
    path: str
    first: bool = False
    anchor: str = ""


STOPS: Final = (
    Stop("tour-work", "uk-reviewer", "en", "/"),
    Stop("tour-request", "uk-reviewer", "en", "/mirror-requests", first=True),
    Stop("tour-findings", "uk-reviewer", "en", "/mirror-requests", first=True, anchor="subjects"),
    Stop("tour-package", "us-analyst", "en", "/packages", first=True),
    Stop("tour-drafts", "us-analyst", "en", "/drafts"),
    Stop("tour-coverage", "ca-reviewer", "fr", "/coverage"),
    Stop("tour-subject", "ca-analyst", "fr", "/subjects?q=Chen+Quanguo", first=True),
    Stop("tour-law", "us-admin", "en", "/law/US-GLOMAG"),
    Stop("tour-request-fr", "ca-analyst", "fr", "/mirror-requests", first=True),
    Stop("tour-events", "us-auditor", "en", "/audit/events"),
    Stop("tour-entry", "us-auditor", "en", "/audit/events/3"),
    Stop("tour-node", "us-admin", "en", "/run"),
    Stop("tour-people", "ca-admin", "fr", "/people"),
)


def signed_in(browser: Browser, demo: dict[str, Any], user: dict[str, Any], language: str) -> Page:
    """Sign a person in through the provider's form."""
    page = browser.new_page(viewport={"width": _WIDTH, "height": _HEIGHT})
    page.goto(f"{demo['nodes'][user['ministry']]['url']}/{language}/sign-in")
    page.get_by_role("button", name="Sign in" if language == "en" else "Ouvrir une session").click()
    page.fill("input[name=username]", user["username"])
    page.fill("input[name=password]", user["password"])
    page.locator("button[type=submit], input[type=submit]").first.click()
    page.wait_for_url(f"**/{language}/**")
    return page


def main() -> None:
    """Take every picture."""
    demo = json.loads((Path(sys.argv[1]) / "demo.json").read_bytes())
    folder = Path(sys.argv[2]) if len(sys.argv) > _ELSEWHERE else PICTURES
    people = {one["username"]: one for one in demo["users"]}
    with sync_playwright() as started:
        browser = started.chromium.launch(
            executable_path=str(_CHROMIUM) if _CHROMIUM.exists() else None,
            args=["--no-sandbox", "--disable-gpu"],
        )
        for stop in STOPS:
            _take(browser, demo, people[stop.user], stop, folder)
            if folder != PICTURES:
                other = {"en": "fr", "fr": "en"}[stop.language]
                turned = replace(stop, name=f"{stop.name}-{other}", language=other)
                _take(browser, demo, people[stop.user], turned, folder)
        browser.close()


def _take(
    browser: Browser, demo: dict[str, Any], user: dict[str, Any], stop: Stop, folder: Path
) -> None:
    page = signed_in(browser, demo, user, stop.language)
    page.goto(f"{demo['nodes'][user['ministry']]['url']}/{stop.language}{stop.path}")
    if stop.first:
        page.locator("main tbody a, main .app-card h3 a").first.click()
    if stop.anchor:
        page.locator(f"#{stop.anchor}").scroll_into_view_if_needed()
        page.evaluate(f"document.getElementById('{stop.anchor}').scrollIntoView()")
    page.screenshot(path=str(folder / f"{stop.name}.png"))
    print(stop.name, page.title())
    page.close()


if __name__ == "__main__":
    main()
