"""A verdict given in one ministry is seen in the others, with whose it is and why; withdrawable."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.domain.errors import ComityError
from api.domain.identity.scoring import Suggestion
from api.services.desk import list_coverage, lists, subject_pages
from api.services.desk.lists import ImportTerms
from api.services.desk.subject_pages import PageCandidate
from api.services.statements import previewing
from tests.support import exchange, foreign
from tests.support.exchange import CA, UK, US
from tests.support.federation import Federation
from tests.support.list_files import CHINA_2025, EU_2024, OFAC_2024

CORPS = "list:us-ofac-sdn:29299"
BUREAU = "list:ca-sor-2021-49:SOR/2021-49/Schedule/Part 2/1"
CHEN = "list:us-ofac-sdn:29220"


@pytest.fixture(params=foreign.ANOTHER_IN_THE_END)
def federation(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Federation]:
    url = None if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    made = Federation(tmp_path, urls={UK: url} if url else {})
    for ministry in (US, UK):
        for path in (OFAC_2024, CHINA_2025, EU_2024):
            terms = ImportTerms(path.name, floor=0)
            lists.import_list(made[ministry], made.officer(ministry, "analyst"), path, terms)
    yield made
    made.close()


def described(ref: str) -> dict[str, Any]:
    _, series, entry = ref.split(":", 2)
    day = "2024-05-07" if series.startswith("us") else "2025-07-31"
    return {
        "kind": "list",
        "publisher": "Testland",
        "list": series,
        "edition": day,
        "id": entry,
    }


def verdict(one: str, other: str, outcome: str, **members: Any) -> dict[str, Any]:
    both = {"one": described(one), "other": described(other)}
    return {**both, "outcome": outcome, "reason": "Compared the two.", **members}


def give(federation: Federation, ministry: str, body: dict[str, Any], *to: str) -> str:
    told = to or tuple(one for one in (US, UK, CA) if one != ministry)
    federation.clock.sleep(1)
    made = exchange.issue(federation, ministry, "identity-verdict/1", told, body)
    federation.settle()
    return made


def candidate(federation: Federation, ministry: str, ref: str, other: str) -> PageCandidate:
    officer = federation.officer(ministry, "analyst")
    page = subject_pages.subject_page(federation[ministry], officer, ref)
    return next(one for one in page.candidates if one.card.ref == other)


def counted(federation: Federation, ministry: str, name: str) -> bool:
    officer = federation.officer(ministry, "analyst")
    found = list_coverage.by_programme(federation[ministry], officer, "GLOMAG", "CA")
    return next(one for one in found.subjects if one.entry == name).listed


def test_a_corps_is_offered_as_different_from_its_bureau(federation: Federation) -> None:
    found = candidate(federation, US, CORPS, BUREAU)
    assert found.suggested is Suggestion.NOT_SAME
    assert found.outcome == ""
    assert any("public security bureau" in one.text for one in found.signals)


def test_a_verdict_changes_candidates_elsewhere_until_it_is_withdrawn(
    federation: Federation,
) -> None:
    entry = next(
        one.entry
        for one in list_coverage.by_programme(
            federation[UK], federation.officer(UK, "analyst"), "GLOMAG", "CA"
        ).subjects
        if one.entry == "29220"
    )
    other = candidate(federation, UK, CHEN, _match_of_chen(federation)).card.ref
    assert counted(federation, UK, entry)
    made = give(federation, US, verdict(CHEN, other, "not-same", signals=["Other posts."]))
    there = candidate(federation, UK, CHEN, other)
    assert there.outcome == "not-same"
    (told,) = there.verdicts
    assert (told.ministry, told.reason, told.shared, told.id) == (
        US,
        "Compared the two.",
        True,
        made,
    )
    assert told.by
    assert not counted(federation, UK, entry), "the match is denied there too"
    give(federation, US, verdict(CHEN, other, "unsure", withdraws=made))
    after = candidate(federation, UK, CHEN, other)
    assert (after.outcome, after.verdicts) == ("", ())
    assert counted(federation, UK, entry)


def _match_of_chen(federation: Federation) -> str:
    officer = federation.officer(UK, "analyst")
    page = subject_pages.subject_page(federation[UK], officer, CHEN)
    return next(
        one.card.ref for one in page.candidates if one.card.ref.startswith("list:ca-sor-2021-49")
    )


def test_a_later_verdict_replaces_and_ones_own_prevails(federation: Federation) -> None:
    other = _match_of_chen(federation)
    give(federation, US, verdict(CHEN, other, "not-same"))
    give(federation, US, verdict(CHEN, other, "same"))
    assert candidate(federation, UK, CHEN, other).outcome == "same"
    give(federation, UK, verdict(CHEN, other, "not-same"))
    assert candidate(federation, UK, CHEN, other).outcome == "not-same"
    assert candidate(federation, US, CHEN, other).outcome == "same"
    both = candidate(federation, UK, CHEN, other).verdicts
    assert {one.ministry: one.outcome for one in both} == {US: "same", UK: "not-same"}


def test_partners_that_contradict_each_other_leave_it_unsure(federation: Federation) -> None:
    other = _match_of_chen(federation)
    terms = ImportTerms(OFAC_2024.name, floor=0)
    for path in (OFAC_2024, CHINA_2025):
        lists.import_list(federation[CA], federation.officer(CA, "analyst"), path, terms)
    give(federation, US, verdict(CHEN, other, "same"))
    give(federation, UK, verdict(CHEN, other, "not-same"))
    assert candidate(federation, CA, CHEN, other).outcome == "unsure"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (verdict(CHEN, CHEN, "same"), "statement.body"),
        (verdict(CHEN, "list:us-ofac-sdn:0", "same"), "subject.unknown"),
        (verdict(CHEN, BUREAU, "same", withdraws=f"sha256:{'0' * 64}"), "statement.body"),
        (verdict(CHEN, BUREAU, "unsure", withdraws=f"sha256:{'0' * 64}"), "verdict.withdraws"),
        ({**verdict(CHEN, BUREAU, "same"), "one": {"kind": "list"}}, "statement.body"),
        (
            {**verdict(CHEN, BUREAU, "same"), "one": {"kind": "package"}},
            "statement.body",
        ),
    ],
)
def test_what_cannot_be_said_is_refused(
    federation: Federation, body: dict[str, Any], code: str
) -> None:
    with pytest.raises(Exception, match=r".") as refused:
        exchange.issue(federation, US, "identity-verdict/1", (UK,), body)
    assert getattr(refused.value, "code", "") == code, refused.value
    assert isinstance(refused.value, ComityError) or code == "statement.body"


def test_an_approver_reads_both_names_and_the_outcome(federation: Federation) -> None:
    body = verdict(CORPS, BUREAU, "not-same", signals=["One name adds bureau."])
    draft = exchange.draft(federation, US, "identity-verdict/1", (UK,), body)
    seen = previewing.preview(federation[US], federation.officer(US, "reviewer"), draft.id)
    words = seen.words
    names = {name for one in words.subjects for name in one.names}
    assert "XINJIANG PRODUCTION AND CONSTRUCTION CORPS" in names
    assert "Xinjiang Production and Construction Corps Public Security Bureau" in names
    assert words.texts["outcome"] == "not-same"
    assert words.texts["signals"] == "One name adds bureau."
