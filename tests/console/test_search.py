"""One box finds what an officer may know of, by reference, by digest in groups, and by name."""

import pytest

from api.records.references import KINDS
from api.services.desk import evidence
from api.web.console import law_labels
from tests.support import exchange
from tests.support.bodies import body
from tests.support.console import CA, UK, US


@pytest.fixture(scope="module")
def browsers(console):
    return {name: console.browser(name) for name in ("analyst", "auditor", "admin")}


def found(browser, text: str) -> str:
    answer = browser.get("/en/search", params={"q": text})
    assert answer.status_code == 200
    return answer.text.partition("<main")[2].partition("<footer")[0]


def test_a_digest_is_found_as_it_is_written_or_in_groups(browsers, matter):
    digits = matter.package[7:]
    groups = " ".join(digits[at : at + 4] for at in range(0, 64, 4))
    for text in (digits[:8], matter.package, groups):
        page = found(browsers["analyst"], text)
        assert f"/en/packages/{digits}" in page
        assert "Detention in Xinjiang" in page


def test_what_has_no_page_leads_to_its_package(browsers, federation, matter):
    analyst = federation.officer(US, "analyst")
    view = evidence.read(federation[US], analyst, matter.package)
    release, exhibit = view.releases[0].id, view.exhibits[0].digest
    consent = {
        "request": matter.paths["onward_consent"].split("/")[-2],
        "package": matter.package,
        "recipient": CA,
        "marking": body("release/1")["marking"] | {"releasable_to": [CA]},
    }
    request = f"sha256:{consent['request']}"
    given = exchange.issue(
        federation, US, "onward-consent/1", (UK,), consent | {"request": request}
    )
    for id_ in (release, exhibit, request, given):
        page = found(browsers["analyst"], id_)
        assert f'href="/en/packages/{matter.package[7:]}"' in page
        assert "Detention in Xinjiang" in page
        assert "Nothing was found" in found(browsers["admin"], id_)


def test_a_name_leads_to_what_is_known_of_it(browsers, matter):
    page = found(browsers["analyst"], "ZHU Hailun")
    assert "/en/subjects/page?ref=" in page
    assert "/en/subjects?q=ZHU%20Hailun" in page


def test_whoever_reads_no_evidence_finds_none(browsers, federation, matter):
    for name in ("auditor", "admin"):
        assert "Nothing was found" in found(browsers[name], matter.package)
        assert "At least eight" not in found(browsers[name], matter.package)
        assert "eight signs of a reference or digest" in found(browsers[name], "ZHU")
    person = federation.officer(US, "analyst").person
    assert f"/en/people/officers/{person}" in found(browsers["admin"], person)


def test_nothing_is_asked_of_an_empty_box(browsers):
    assert "Nothing was found" not in found(browsers["analyst"], "")
    assert "Nothing was found" in found(browsers["analyst"], "f" * 12)


def test_every_kind_has_a_word():
    assert set(law_labels.LABELS["reference-kind"]) == set(KINDS)
