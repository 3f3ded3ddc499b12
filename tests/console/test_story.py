"""The exchange of two ministries, played in a browser from the first passkey to a verified export.

The US works in English, the UK in French. Each officer has a browser of their own; two of them have
a passkey in Chromium's virtual authenticator (WebAuthn WebDriver extension, over CDP). Nothing here
calls a use case or the HTTP interface: what the ministries say, they say on pages, and with the
keyboard alone: every field, box, link and button is reached with the Tab key. Between pages
the federation carries what was said; the clock may then jump, so officers sign in again.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.support import foreign
from tests.support.browsing import ServedConsole, chromium, console_served
from tests.support.campaigns import campaign
from tests.support.command_line import CommandLine
from tests.support.console import UK, US
from tests.support.federation import Federation
from tests.support.foreign import declare

pytestmark = foreign.needs("chromium")

TABS = 600
"""Most presses of the Tab key until something is reached."""

PATIENCE = 180_000
"""Milliseconds for one page: a machine that does other work is slow, not wrong."""

TOUCH = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@dataclass
class Officer:
    """One officer at a browser of their own."""

    served: ServedConsole
    page: Any
    name: str
    language: str
    problems: list[str] = field(default_factory=list)

    def at(self, path: str) -> Any:
        """Sign in anew and open a page; paths without a language get the officer's."""
        self.served.sign_in(self.page.context, self.name)
        whole = path if path.startswith(("/en/", "/fr/")) else f"/{self.language}{path}"
        answer = self.page.goto(f"{self.served.address}{whole}")
        assert answer.status == 200, (whole, answer.status, self.page.inner_text("main"))
        assert self.page.locator("html").get_attribute("lang") == f"{self.language}-CA"
        return self.page

    def reach(self, wanted: Any, *, group: bool = False) -> Any:
        """Go on with the Tab key until something has the focus, or one radio of its group."""
        there = "one => one === document.activeElement"
        if group:
            there = "one => document.activeElement.name === one.name"
        for _ in range(TABS):
            if wanted.evaluate(there):
                return wanted
            self.page.keyboard.press("Tab")
        raise AssertionError(f"no Tab key leads to {wanted} of {self.where}")

    def type(self, **fields: str) -> None:
        """Fill in fields by their id; ``names_text_1`` is ``names_text-1``."""
        for name, value in fields.items():
            field_id = re.sub(r"_([0-9]+)$", r"-\1", name)
            self.reach(self.page.locator(f"[id='{field_id}']"))
            self.page.keyboard.press("Control+A")
            self.page.keyboard.insert_text(value)

    def tick(self, *values: str) -> None:
        """Tick boxes and choose radios by the value that they stand for."""
        for value in values:
            self.choose(self.page.locator(f"main input[value='{value}']").first)

    def choose(self, box: Any) -> None:
        """Tick a box, or choose a radio: of a group only one is on the way of the Tab key."""
        radio = box.get_attribute("type") == "radio"
        self.reach(box, group=radio)
        for _ in range(TABS):
            if box.is_checked():
                return
            arrived = box.evaluate("one => one === document.activeElement")
            self.page.keyboard.press("Space" if arrived else "ArrowDown")
        raise AssertionError(f"{box} cannot be chosen")

    def select(self, field_id: str, value: str) -> None:
        """Choose from a list with the arrow keys."""
        chosen = self.reach(self.page.locator(f"#{field_id}"))
        self.page.keyboard.press("Home")
        for _ in range(TABS):
            if chosen.input_value() == value:
                return
            self.page.keyboard.press("ArrowDown")
        raise AssertionError(f"{value} is not in {field_id}")

    def enter(self, wanted: Any) -> None:
        """Follow a link or press a button."""
        self.reach(wanted)
        self.page.keyboard.press("Enter")

    def press(self, text: str) -> str:
        """Press a button and return where it led, without host and language."""
        before = self.page.url
        self.enter(self.page.locator("main").get_by_role("button", name=text, exact=True))
        for _ in range(PATIENCE // 50):
            if self.page.url != before:
                break
            self.page.wait_for_timeout(50)
        self.page.wait_for_load_state()
        assert self.page.url != before, (text, self.page.inner_text("main"))
        assert not self.page.title().startswith(("Error", "Erreur")), self.page.inner_text("main")
        return self.where

    def follow(self, text: str) -> None:
        """Follow a link of the page."""
        named = self.page.locator("main").get_by_text(text, exact=True).first
        before = self.page.url
        self.enter(named.locator("xpath=ancestor-or-self::*[self::a or self::button][1]"))
        self.page.wait_for_url(lambda url: url != before)
        self.page.wait_for_load_state()

    @property
    def where(self) -> str:
        """The page's address without host and language."""
        return str(self.page.url).partition(self.served.address)[2][3:]

    def text(self) -> str:
        """What the page says."""
        return str(self.page.inner_text("main"))


@dataclass
class Ministry:
    """A ministry's console with its officers, called when they are needed."""

    served: ServedConsole
    browser: Any
    language: str
    officers: dict[str, Officer] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Officer:
        if name not in self.officers:
            page = self.browser.new_context(accept_downloads=True).new_page()
            page.set_default_timeout(PATIENCE)
            self.officers[name] = Officer(self.served, page, name, self.language)
            page.on("pageerror", lambda error: self.officers[name].problems.append(str(error)))
        return self.officers[name]

    def approve(self, draft: str, by: str = "reviewer") -> None:
        """Have a draft approved: looked at, decided on a page of its own, confirmed."""
        words = APPROVE[self.language]
        reviewer = self[by]
        reviewer.at(draft)
        reviewer.follow(words["approve"])
        reviewer.tick("yes")
        signs = reviewer.page.locator("form[data-passkey]").count()
        reviewer.press(words["sign"] if signs else words["seal"])
        assert reviewer.where.endswith("/done"), reviewer.text()


APPROVE = {
    "en": {"approve": "Approve", "seal": "Approve and seal", "sign": "Sign, approve and seal"},
    "fr": {
        "approve": "Approuver",
        "seal": "Approuver et sceller",
        "sign": "Signer, approuver et sceller",
    },
}


@pytest.fixture
def federation(tmp_path):
    made = Federation(tmp_path / "nodes")
    yield made
    made.close()


@pytest.fixture
def ministries(federation):
    declare(frozenset({"chromium"}))
    with (
        chromium() as browser,
        console_served(federation, US, "localhost") as us,
        console_served(federation, UK, "localhost") as uk,
    ):
        yield Ministry(us, browser, "en"), Ministry(uk, browser, "fr")


def passkeys_are_allowed(us: Ministry) -> None:
    """Two administrators set the address at which passkeys are used."""
    first, second = us["admin"], us["admin2"]
    first.at("/people/passkey-sites/new")
    first.type(rp_id="localhost", origins=us.served.address)
    first.press("Propose")
    second.at("/people/passkey-sites")
    second.follow("Decide")
    second.press("Approve")
    assert "In force" in second.text()


def passkey_of(us: Ministry, name: str) -> None:
    """An officer registers a passkey, and two administrators let it count."""
    officer = us[name]
    session = officer.page.context.new_cdp_session(officer.page)
    session.send("WebAuthn.enable")
    session.send("WebAuthn.addVirtualAuthenticator", {"options": TOUCH})
    officer.at("/account/passkeys/new")
    officer.press("Register a passkey")
    assert "Passkey asked for" in officer.text()
    for administrator, kind, button in (
        ("admin", "key-requests", "Vouch for it"),
        ("admin2", "keys", "Approve"),
    ):
        page = us[administrator].at("/people")
        us[administrator].enter(page.locator(f"a[href*='/people/{kind}/']").first)
        page.wait_for_url(f"**/people/{kind}/**")
        us[administrator].press(button)
    officer.at("/account/passkeys")
    assert officer.page.get_by_role("cell", name="Counts").count() >= 1


def package_made(us: Ministry, folder: Path) -> str:
    """The analyst describes, adds a file, claims, looks at the whole and signs with a passkey."""
    analyst = us["analyst"]
    analyst.at("/packages/new")
    analyst.press("Begin a package")
    analyst.type(title="Detention in Xinjiang", summary="What happened.", language="en")
    home = analyst.press("Save")
    assert "missing before you can sign" in analyst.text()
    analyst.at(f"{home}/subjects/new")
    analyst.type(names_text_1="ZHU Hailun", names_script_1="Latn", birth_dates_value_1="1958-01")
    analyst.press("Save and add another line")
    analyst.type(names_text_2="朱海仑", names_script_2="Hans")
    analyst.press("Save")
    order = folder / "order.txt"
    order.write_text("An order, as it was printed.\n" * 50, encoding="utf-8")
    analyst.at(f"{home}/exhibits/new")
    analyst.reach(analyst.page.locator("#files")).set_input_files(order)
    analyst.press("Save")
    analyst.select("kind", "official-record")
    analyst.type(source="public gazette", custody_at_1="2020-07-09", custody_by_1="registry")
    analyst.type(custody_act_1="filed")
    analyst.press("Save")
    analyst.at(f"{home}/claims/new")
    analyst.tick("s1", "order.txt")
    analyst.type(act="Held the post during the campaign.", ground="leader or official")
    analyst.press("Save")
    analyst.at(f"{home}/caveats")
    analyst.type(exculpatory="None known.", legal_basis="Public sources.")
    analyst.tick("no")
    analyst.press("Save")
    assert "Nothing is missing." in analyst.text()
    analyst.at(f"{home}/sign")
    assert "朱海仑" in analyst.text()
    analyst.tick("yes")
    return analyst.press("Sign the package")


def released(us: Ministry, package: str) -> None:
    """The analyst asks for the release, the reviewer signs the approval with a passkey."""
    analyst = us["analyst"]
    analyst.at(f"{package}/release")
    analyst.tick(UK, "AMBER")
    analyst.type(use="consideration of designation", legal_basis="Public sources.")
    draft = analyst.press("Make the draft")
    us["reviewer"].at(f"{draft}/approve")
    assert us["reviewer"].page.locator("form[data-passkey]").count() == 1
    us.approve(draft)
    us["reviewer"].at(draft)
    assert "Sealed." in us["reviewer"].text()


def designated(us: Ministry, package: str) -> str:
    """The case is written, endorsed and followed; returns the designation's address."""
    analyst, reviewer = us["analyst"], us["reviewer"]
    analyst.at("/proposals/new")
    analyst.type(title="Listing ZHU Hailun", found_by="A. Analyst", reasons_releasable="See there.")
    analyst.tick(f"sha256:{package[-64:]} s1", "us-glomag.abuse", "yes", "asset-freeze")
    analyst.select("regime", "US-GLOMAG")
    proposal = analyst.press("Save")
    analyst.at(f"{proposal}/submit")
    analyst.press("Submit")
    reviewer.at(f"{proposal}/endorse")
    reviewer.tick("yes")
    reviewer.press("Endorse")
    analyst.at(proposal)
    analyst.follow("Record a designation")
    assert analyst.page.input_value("[id='names_text-1']") == "ZHU Hailun"
    analyst.type(instrument="E.O. 13818", list_reference="SDN 29219", in_force_at="2020-07-09")
    analyst.type(zone="America/New_York")
    analyst.tick(UK)
    us.approve(analyst.press("Make the draft"))
    analyst.at("/designations")
    analyst.follow("ZHU Hailun")
    return analyst.where


def asked(us: Ministry, designation: str) -> str:
    """The US asks the UK to mirror; returns the request's address."""
    analyst = us["analyst"]
    analyst.at(designation)
    analyst.follow("Ask a ministry to mirror")
    analyst.tick(UK)
    analyst.choose(analyst.page.locator("main input[name='evidence']").first)
    analyst.select("regime", "UK-GHR")
    analyst.type(title="One subject", authority="Public sources.", respond_by="2027-01-31")
    analyst.type(permitted_use="consideration of designation", reasons_releasable="Listed in 2020.")
    us.approve(analyst.press("Make the draft"))
    analyst.at("/mirror-requests")
    analyst.follow("One subject")
    return analyst.where


def answered(us: Ministry, uk: Ministry, request: str, federation: Federation) -> None:
    """The UK asks what it needs to know, in French, and the US answers."""
    analyst = uk["analyst"]
    analyst.at("/mirror-requests")
    analyst.follow("One subject")
    assert analyst.where == request
    analyst.at(f"{request}/question")
    analyst.type(text="Quelle unité?")
    analyst.press("Envoyer")
    federation.settle()
    us["analyst"].at(request)
    assert "Quelle unité?" in us["analyst"].text()
    us["analyst"].at(f"{request}/answer")
    us["analyst"].tick("q1")
    us["analyst"].type(text="The bureau.")
    us.approve(us["analyst"].press("Make the draft"))
    federation.settle()
    analyst.at(request)
    assert "The bureau." in analyst.text()


def mirrored(uk: Ministry, request: str, federation: Federation) -> None:
    """The UK reads the evidence, finds, designates and states the effect, in French."""
    analyst = uk["analyst"]
    analyst.at(request)
    analyst.enter(analyst.page.locator("main a[href*='/packages/']").first)
    analyst.page.wait_for_url("**/packages/**")
    with analyst.page.expect_download() as download:
        analyst.enter(analyst.page.locator("main a[href*='/exhibits/']").first)
    assert "An order" in Path(download.value.path()).read_text(encoding="utf-8")
    analyst.at(f"{request}/finding?subject=s1")
    analyst.tick("mirror", "uk-ghr.torture")
    analyst.select("regime", "UK-GHR")
    analyst.type(reasons="Motifs raisonnables.")
    uk.approve(analyst.press("Créer le projet"))
    analyst.at(f"/designations/new?request={request[-64:]}&subject=s1")
    analyst.type(instrument="SI 2020/680", list_reference="GHR0001", in_force_at="2026-11-23")
    analyst.type(zone="Europe/London", reasons_releasable="Motifs raisonnables.")
    analyst.tick("asset-freeze", US)
    uk.approve(analyst.press("Créer le projet"))
    analyst.at(f"{request}/effect?subject=s1")
    analyst.choose(analyst.page.locator("main input[name='subject'][value='s1']").first)
    analyst.choose(analyst.page.locator("main input[name='designation']").first)
    uk.approve(analyst.press("Créer le projet"))
    federation.settle()


def covered(us: Ministry, request: str) -> None:
    """Both ends show what was found, and coverage has both jurisdictions."""
    analyst = us["analyst"]
    analyst.at(request)
    assert "Motifs raisonnables." in analyst.text()
    analyst.at("/coverage")
    assert "ZHU Hailun" in analyst.text()
    row = analyst.page.get_by_role("row", name=re.compile("ZHU Hailun")).inner_text()
    assert "2020" in row
    assert "2026" in row


def recalled(us: Ministry, uk: Ministry, package: str, federation: Federation) -> None:
    """The US recalls; the UK reads why, answers what it did; a second reviewer confirms."""
    us["reviewer"].at(f"{package}/recall")
    us["reviewer"].tick("destroy")
    us["reviewer"].type(reason="A wrong page.")
    draft = us["reviewer"].press("Recall now").removesuffix("/done")
    us["reviewer2"].at(draft)
    us["reviewer2"].follow("Confirm")
    us["reviewer2"].press("Confirm")
    federation.settle()
    holder = uk["analyst"]
    holder.at(package)
    assert "A wrong page." in holder.text()
    assert "Held the post" not in holder.text(), "the content is shut until the recall is read"
    holder.at(f"{package}/recall-read")
    before = holder.page.url
    holder.enter(holder.page.locator("main form button"))
    holder.page.wait_for_url(lambda url: url != before)
    holder.at(f"{package}/recall-answer")
    holder.tick("destroyed")
    uk.approve(holder.press("Créer le projet"))
    federation.settle()
    us["analyst"].at(package)
    assert "We destroyed it" in us["analyst"].text()


def exported(us: Ministry, folder: Path, membership: bytes) -> None:
    """The auditor sees who approved what, exports, and the command line verifies the file."""
    auditor = us["auditor"]
    auditor.at("/audit/events")
    assert "ZHU Hailun" not in auditor.text(), "auditors see no evidence"
    auditor.at("/audit/exports")
    auditor.type(purpose="The story")
    with auditor.page.expect_download() as download:
        auditor.enter(auditor.page.get_by_role("button", name="Make and download"))
    file, pinned = folder / "audit.zip", folder / "membership.json"
    download.value.save_as(file)
    pinned.write_bytes(membership)
    home = folder / "home"
    home.mkdir()
    judged = CommandLine(home)("verify", file, "--membership", pinned, as_json=True)
    assert judged.code == 0, judged.err
    broken = folder / "broken.zip"
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    broken.write_bytes(data)
    assert CommandLine(home)("verify", broken, "--membership", pinned).code == 3


@campaign("tests/console/test_browser.py::test_a_reviewer_decides_without_scripts")
def test_two_ministries_do_their_whole_work_in_a_browser(ministries, federation, tmp_path):
    us, uk = ministries
    passkeys_are_allowed(us)
    passkey_of(us, "analyst")
    passkey_of(us, "reviewer")
    package = package_made(us, tmp_path)
    released(us, package)
    federation.settle()
    designation = designated(us, package)
    federation.settle()
    request = asked(us, designation)
    federation.settle()
    answered(us, uk, request, federation)
    mirrored(uk, request, federation)
    covered(us, request)
    recalled(us, uk, package, federation)
    federation.settle()
    exported(us, tmp_path, federation.membership.raw)
    problems = [
        one for side in (us, uk) for each in side.officers.values() for one in each.problems
    ]
    assert problems == [], "no script failed on any page"
