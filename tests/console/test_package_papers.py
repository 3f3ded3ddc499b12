"""A package made in the browser: part by part, with all faults at once, signed with a passkey."""

import hashlib
import html
import io
import re
from pathlib import Path

import pytest

from api.services.desk import evidence, package_papers
from api.wire.canonical import canonical
from api.wire.keys import thumbprint
from api.wire.package_file import PackageWriter, exhibit_name
from api.wire.statements import Content, Officer
from tests.console.test_passkeys import assertion, enrolled, site
from tests.support.bodies import body
from tests.support.campaigns import first
from tests.support.console import US, Browser, HeldConsole, console_on
from tests.support.federation import Federation

FILE = b"an order, as it was printed\n" * 40
SUBJECT = {
    "schema": "Person",
    "names_text": ["ZHU Hailun", "朱海仑", ""],
    "names_script": ["Latn", "Hans", ""],
    "names_kind": ["", "", ""],
    "birth_dates_value": ["1958-01", ""],
    "birth_dates_precision": ["month", ""],
    "birth_dates_source": ["US list", ""],
    "identifiers_scheme": ["passport"],
    "identifiers_value": ["G123"],
    "positions_title": ["Secretary"],
    "positions_from": ["2016"],
    "positions_to": [""],
    "birth_place": "Lianshui",
    "countries": "cn, ru",
}


@pytest.fixture
def federation(tmp_path):
    made = Federation(tmp_path)
    yield made
    made.close()


@pytest.fixture
def console(federation) -> HeldConsole:
    site(federation)
    return console_on(federation, US)


def begun(browser: Browser) -> str:
    """Begin a package; returns its address without language."""
    made = browser.submit("/en/packages/new")
    assert made.status_code == 303, made.text[-1500:]
    return made.headers["location"].removeprefix("/en").removesuffix("/about")


def upload(browser: Browser, path: str, files: dict[str, bytes]):
    """Send files through the page that takes them."""
    page = browser.get(path).text
    form = re.search(r'<form[^>]*enctype="multipart/form-data".*?</form>', page, re.DOTALL)
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form.group(0)))
    name = re.search(r'type="file"', form.group(0)) and re.search(
        r'name="(files?)" type="file"', form.group(0)
    ).group(1)
    sent = [(name, (label, io.BytesIO(data), "text/plain")) for label, data in files.items()]
    return browser.client.post(path, data=hidden, files=sent, follow_redirects=False)


def filled(browser: Browser) -> str:
    """A package with everything that it needs, through its pages."""
    path = begun(browser)
    for part, fields in {
        "about": {"title": "Detention", "summary": "What\r\nhappened.", "language": "en"},
        "subjects/new": SUBJECT,
        "caveats": {"exculpatory": "None known.", "legal_basis": "The act.", "compelled": "no"},
    }.items():
        saved = browser.submit(f"/en{path}/{part}", **fields)
        assert saved.status_code == 303, saved.text[-2500:]
    taken = upload(browser, f"/en{path}/exhibits/new", {"order.txt": FILE})
    assert taken.headers["location"] == f"/en{path}/exhibits/1", taken.text[-1500:]
    exhibit = {"label": "order.txt", "kind": "official-record", "source": "gazette"}
    exhibit |= {"custody_at": "2020-07-09", "custody_by": "registry", "custody_act": "filed"}
    exhibit |= {"collected_by": "A. Analyst", "collected_at": "2020-07", "collected_how": "copied"}
    assert browser.submit(f"/en{path}/exhibits/1", **exhibit).status_code == 303
    claim = {"subject": "s1", "act": "Held the post.", "ground": "leader or official"}
    saved = browser.submit(f"/en{path}/claims/new", **claim, exhibits=["order.txt"])
    assert saved.status_code == 303, saved.text[-2500:]
    fact = {"conduct": "arbitrary-detention", "part": "leader-or-official", "state": "cn"}
    fact |= {"subjects": ["s1"], "exhibits": ["order.txt"], "victims": "", "from": "2016"}
    saved = browser.submit(f"/en{path}/case_facts/new", **fact)
    assert saved.status_code == 303, saved.text[-2500:]
    return path


def built(federation: Federation, target: Path) -> bytes:
    """A package file as the command line builds and signs one."""
    digest = f"sha256:{hashlib.sha256(FILE).hexdigest()}"
    content = body("evidence-package/1", title="Built elsewhere")
    content["exhibits"] = [
        {
            "label": "one",
            "media_type": "text/plain",
            "size": len(FILE),
            "digest": digest,
            "kind": "official-record",
            "source": "made for the test",
        }
    ]
    content["claims"] = [{**content["claims"][0], "exhibits": ["one"]}]
    officer = federation.officer(US, "analyst")
    made = federation.endorse(officer, Content("evidence-package/1", (), content))
    nonce = made.pop("nonce")
    kid = thumbprint(made["jwk"])
    draft = {
        "issuer": US,
        "nonce": nonce,
        "type": "evidence-package/1",
        "body": content,
        "prepared": Officer(officer.iss, officer.sub, "analyst", "jws", kid).to_json(),
        "endorsement": made,
    }
    with target.open("w+b") as out, PackageWriter(out) as writer:
        writer.add("draft.json", [canonical(draft)])
        writer.add(exhibit_name(digest), [FILE])
    return target.read_bytes()


def test_a_package_is_made_in_the_browser_and_signed_with_a_passkey(federation, console):
    browser, key = enrolled(console, "analyst")
    path = filled(browser)
    assert "Nothing is missing." in browser.get(f"/en{path}").text
    page = browser.get(f"/en{path}/sign").text
    for word in ("ZHU Hailun", "朱海仑", "order.txt", "None known.", "Held the post."):
        assert word in page
    node, officer = federation[US], federation.officer(US, "analyst")
    data = package_papers.signable(node, officer, path.rpartition("/")[2])
    fields = assertion(page, key, data)
    forgot = browser.post(f"/en{path}/sign", fields)
    assert forgot.status_code == 422
    page = browser.get(f"/en{path}/sign").text
    made = browser.post(f"/en{path}/sign", {**assertion(page, key, data), "sure": "yes"})
    assert made.status_code == 303, made.text[-2500:]
    shown = browser.get(made.headers["location"]).text
    assert "Detention" in shown
    assert "Held here" in shown
    package = evidence.read(node, officer, f"sha256:{made.headers['location'][-64:]}")
    subject = package.body["subjects"][0]
    assert [one["text"] for one in subject["names"]] == ["ZHU Hailun", "朱海仑"]
    assert subject["birth_dates"][0]["precision"] == "month"
    assert subject["countries"] == ["cn", "ru"]
    assert package.body["exhibits"][0]["custody"][0]["act"] == "filed"
    (fact,) = package.body["case_facts"]
    assert (fact["conduct"], fact["from"], "victims" in fact) == (
        "arbitrary-detention",
        "2016",
        False,
    )
    assert browser.get(f"/en{path}").status_code == 404, "the paper has become the package"


def test_everything_that_is_missing_is_shown_at_once_with_the_way_there(console):
    browser = console.browser("analyst")
    path = begun(browser)
    page = browser.get(f"/en{path}").text
    missing = re.search(r"<strong>(\d+) things are missing", page)
    assert int(missing.group(1)) >= 6
    for part in ("about#title", "about#summary", "subjects/new", "claims/new", "caveats#compelled"):
        assert f'href="/en{path}/{part}"' in page, part
    assert "Something is missing" in browser.get(f"/en{path}/sign").text


@pytest.mark.parametrize(
    ("part", "fields", "field"),
    first(
        5,
        [
            ("about", {"title": "", "summary": "x", "language": "en"}, "title"),
            ("about", {"title": "x", "summary": "x", "language": "english!"}, "language"),
            ("about", {"title": "x" * 301, "summary": "x", "language": "en"}, "title"),
            ("caveats", {"exculpatory": "", "legal_basis": "x", "compelled": "no"}, "exculpatory"),
            ("caveats", {"exculpatory": "x", "legal_basis": "x"}, "compelled"),
            ("subjects/new", {**SUBJECT, "names_text": ["", "", ""]}, "names_text-1"),
            ("subjects/new", {**SUBJECT, "names_script": ["latin", "", ""]}, "names_script-1"),
            ("subjects/new", {**SUBJECT, "schema": "Dragon"}, "schema"),
            ("subjects/new", {**SUBJECT, "birth_dates_value": ["May", ""]}, "birth_dates_value-1"),
            ("subjects/new", {**SUBJECT, "countries": "China"}, "countries"),
            ("claims/new", {"subject": "", "act": "x", "ground": "x"}, "subject"),
            ("case_facts/new", {"conduct": "", "part": "support"}, "conduct"),
            (
                "case_facts/new",
                {"conduct": "torture", "part": "support", "state": "China"},
                "state",
            ),
        ],
    ),
)
def test_a_wrong_part_is_drawn_again_with_its_faults_and_what_was_typed(
    console, part, fields, field
):
    browser = console.browser("analyst")
    path = begun(browser)
    answer = browser.submit(f"/en{path}/{part}", **fields)
    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.text
    assert f'id="{field}"' in answer.text, "the way leads somewhere"
    typed = [one for value in fields.values() for one in ([value] * isinstance(value, str))]
    shown = html.unescape(answer.text)
    assert all(one in shown for one in typed if len(one) > 1 and one not in {"no", "Dragon"})
    french = browser.submit(f"/fr{path}/{part}", **fields)
    assert "Erreur" in french.text


def test_a_limit_that_is_passed_is_named_in_the_form(console):
    browser = console.browser("analyst")
    path = begun(browser)
    long = {"title": "x" * 301, "summary": "x" * 50_001, "language": "en"}
    english = html.unescape(browser.submit(f"/en{path}/about", **long).text)
    french = html.unescape(browser.submit(f"/fr{path}/about", **long).text)
    for limit in ("300", "50,000"):
        assert f"Write {limit} characters or fewer." in english
    assert "Écrivez 300 caractères au plus." in french
    many = {**SUBJECT, "countries": ", ".join(["cn"] * 21)}
    crowd = browser.submit(f"/en{path}/subjects/new", **many).text
    assert "These are too many. Give 20 or fewer." in crowd
    assert "{limit}" not in english + french + crowd


def test_lines_are_added_and_parts_taken_out(federation, console):
    browser = console.browser("analyst")
    path = begun(browser)
    more = browser.submit(f"/en{path}/subjects/new", **SUBJECT, more="1")
    assert more.headers["location"] == f"/en{path}/subjects/1"
    page = browser.get(f"/en{path}/subjects/1").text
    assert 'id="names_text-3"' in page, "an empty line follows the two that are written"
    assert browser.submit(f"/en{path}/subjects/1", remove="1").status_code == 303
    assert browser.get(f"/en{path}/subjects/1").status_code == 404


def test_files_are_kept_by_digest_and_named_apart(federation, console):
    browser = console.browser("analyst")
    path = begun(browser)
    first = upload(browser, f"/en{path}/exhibits/new", {"a.txt": b"one", "b/../a.txt": b"two"})
    assert first.status_code == 303, first.text[-1500:]
    again = upload(browser, f"/en{path}/exhibits/new", {"c.txt": b"one"})
    assert again.status_code == 422
    assert "in the package already" in again.text
    none = upload(browser, f"/en{path}/exhibits/new", {})
    assert none.status_code == 422
    node, officer = federation[US], federation.officer(US, "analyst")
    paper = package_papers.read(node, officer, path.rpartition("/")[2])
    assert [one["label"] for one in paper.body["exhibits"]] == ["a.txt", "a-2.txt"]
    assert all(node.store.head(one["digest"]) for one in paper.body["exhibits"])


def test_a_package_that_changed_in_another_window_is_not_overwritten(console):
    browser = console.browser("analyst")
    path = begun(browser)
    page = browser.get(f"/en{path}/about").text
    form = re.search(r'<form method="post" action="[^"]*about".*?</form>', page, re.DOTALL).group(0)
    stale = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form))
    fields = {"title": "One", "summary": "x", "language": "en"}
    assert browser.submit(f"/en{path}/about", **fields).status_code == 303
    late = browser.post(f"/en{path}/about", {**stale, **fields, "title": "Two"})
    assert late.status_code == 409
    assert "changed in another window" in late.text
    assert 'value="Two"' in late.text, "what was typed is kept"


@pytest.mark.parametrize("number", ["9" * 5000, "0", "²", "-1"])
def test_what_is_no_number_of_a_part_leads_nowhere(console, number):
    browser = console.browser("analyst")
    assert browser.get(f"/en{begun(browser)}/subjects/{number}").status_code == 404


def test_a_package_in_preparation_is_its_authors_alone(console):
    path = begun(console.browser("analyst"))
    for name, status in {"analyst2": 404, "reviewer": 403, "admin": 403, "auditor": 403}.items():
        assert console.browser(name).get(f"/en{path}").status_code == status


def test_without_a_passkey_the_page_says_what_is_needed(console):
    browser = console.browser("analyst")
    path = filled(browser)
    page = browser.get(f"/en{path}/sign").text
    assert "You need a passkey that counts here" in page
    assert "data-passkey" not in page


def test_a_form_with_files_is_read_for_those_alone_who_may_send_it(console):
    path = begun(console.browser("analyst"))
    target = f"/en{path}/exhibits/new"
    files = [("files", ("a.txt", io.BytesIO(b"x"), "text/plain"))]
    for name in ("reviewer", "admin"):
        client = console.browser(name).client
        assert client.post(target, files=files, follow_redirects=False).status_code == 403
    stranger = console.stranger().client
    assert stranger.post(target, files=files, follow_redirects=False).status_code == 401
    # A page that takes no files refuses a form in parts before it reads one.
    about = console.browser("analyst").client.post(f"/en{path}/about", files=files)
    assert about.status_code == 415


def test_a_paper_is_set_aside(console):
    browser = console.browser("analyst")
    path = begun(browser)
    assert browser.submit(f"/en{path}/discard").status_code == 303
    assert browser.get(f"/en{path}").status_code == 404


def test_no_more_than_so_many_are_kept(federation, console, monkeypatch):
    monkeypatch.setattr(package_papers, "MOST", 2)
    browser = console.browser("analyst")
    begun(browser)
    begun(browser)
    assert browser.submit("/en/packages/new").status_code == 409


def test_a_crash_between_package_and_paper_makes_no_second_package(federation, console):
    """The same signed paper, handed in again, is the same package."""
    browser, key = enrolled(console, "analyst")
    path = filled(browser)
    node, officer = federation[US], federation.officer(US, "analyst")
    id_ = path.rpartition("/")[2]
    paper = package_papers.read(node, officer, id_)
    data = package_papers.signable(node, officer, id_)
    row = node.db.read(lambda c: package_papers.records.by_id(c, id_))
    signature = key.endorse("prepared", data).to_json()
    officer = federation.officer(US, "analyst")
    first = package_papers.submit(node, officer, id_, paper.tag, signature)
    values = {name: getattr(row, name) for name in row.__slots__}
    values["body"] = package_papers.json.dumps(row.body)
    node.db.write(lambda unit: unit.insert(package_papers.PACKAGE_PAPERS, values))
    assert package_papers.submit(node, officer, id_, paper.tag, signature) == first
    assert len(evidence.packages_page(node, officer, limit=10)) == 1


def test_a_built_file_is_handed_in_and_a_wrong_one_is_refused_with_its_reason(
    federation, console, tmp_path
):
    browser = console.browser("analyst")
    good = built(federation, tmp_path / "good.comity")
    made = upload(browser, "/en/packages/upload", {"good.comity": good})
    assert made.status_code == 303, made.text[-1500:]
    assert "Held here" in browser.get(made.headers["location"]).text
    for wrong in (good[:-30], b"", b"PK", good.replace(FILE[:20], b"x" * 20)):
        answer = upload(browser, "/en/packages/upload", {"wrong.comity": wrong})
        assert answer.status_code == 422
        assert "There is a problem" in answer.text
    assert upload(browser, "/en/packages/upload", {}).status_code == 422
    theirs = upload(console.browser("analyst2"), "/en/packages/upload", {"good.comity": good})
    assert theirs.status_code == 422, "signed with a key that is not this officer's"
