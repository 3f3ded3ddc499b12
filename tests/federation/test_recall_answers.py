"""A recall reaches people: holders answer for themselves, and what they destroyed is gone."""

import pytest

from api.domain.errors import ComityError
from api.jobs.destroy import destroy_exhibits
from api.records import packages
from api.services.desk import evidence, package_files
from api.services.statements import previewing
from api.services.statements.preview_words import DraftWords
from tests.support import exchange
from tests.support.campaigns import campaign
from tests.support.federation import Federation

US, UK, CA = "us-treasury", "uk-fcdo", "ca-gac"


def recalled(federation: Federation) -> tuple[str, str]:
    """A package that US released to UK and CA and recalled; returns it and the recall."""
    package = exchange.package(federation, US)
    for to in (UK, CA):
        exchange.release(federation, US, package, to)
    federation.settle()
    draft = evidence.recall(
        federation[US],
        federation.officer(US, "reviewer"),
        package,
        {"reason": "A wrong file.", "instruction": "destroy"},
    )
    federation.settle()
    return package, str(draft.statement)


def answer(federation: Federation, ministry: str, recall: str, **body: object) -> str:
    return exchange.issue(
        federation, ministry, "recall-answer/1", (US,), {"recall": recall, **body}
    )


def answers(federation: Federation, ministry: str, package: str) -> dict[str, str]:
    found = federation[ministry].db.read(lambda c: packages.recall_answers(c, package))
    return {holder: one.answer for holder, one in found.items()}


def test_each_holder_answers_for_itself_and_a_later_answer_counts(federation: Federation) -> None:
    package, recall = recalled(federation)
    answer(federation, UK, recall, answer="stopped")
    answer(federation, CA, recall, answer="kept", reason="A court asks for it.")
    federation.settle()
    assert answers(federation, US, package) == {UK: "stopped", CA: "kept"}
    federation.clock.sleep(1)
    answer(federation, UK, recall, answer="returned")
    federation.settle()
    assert answers(federation, US, package) == {UK: "returned", CA: "kept"}
    assert answers(federation, UK, package) == {UK: "returned"}


@campaign("test_what_an_own_package_lists_too_stays")
def warned(federation: Federation, ministry: str, recall: str) -> DraftWords:
    """What the preview of the answer *destroyed* says, in words."""
    content = {"recall": recall, "answer": "destroyed"}
    made = exchange.draft(federation, ministry, "recall-answer/1", (US,), content)
    reviewer = federation.officer(ministry, "reviewer")
    return previewing.preview(federation[ministry], reviewer, made.id).words


def test_what_was_destroyed_is_gone_unless_another_package_lists_it(federation: Federation) -> None:
    package, recall = recalled(federation)
    rows = federation[UK].db.read(lambda c: packages.exhibits_of(c, package))
    digests = [row.digest for row in rows]
    words = warned(federation, UK, recall)
    assert [one.id for one in words.about if one.kind == "package"] == [package]
    assert any(f"for good: {len(digests)}." in one for one in words.unusual), words.unusual
    answer(federation, UK, recall, answer="destroyed")
    destroy_exhibits(federation[UK])
    with pytest.raises(ComityError, match="destroyed exhibits"):
        package_files.open_file(federation[UK], federation.officer(UK, "analyst"), package)
    assert digests
    assert all(federation[UK].store.head(digest) is None for digest in digests)
    federation.settle()
    assert all(federation[UK].store.head(digest) is None for digest in digests)
    assert answers(federation, US, package) == {UK: "destroyed"}


def test_what_an_own_package_lists_too_stays(federation: Federation) -> None:
    exchange.package(federation, CA)
    package, recall = recalled(federation)
    words = warned(federation, CA, recall)
    assert any("for good: 0." in one for one in words.unusual), words.unusual
    assert any("another package lists them: 1." in one for one in words.unusual), words.unusual
    answer(federation, CA, recall, answer="destroyed")
    destroy_exhibits(federation[CA])
    rows = federation[CA].db.read(lambda c: packages.exhibits_of(c, package))
    assert {row.state for row in rows} == {"held"}


@pytest.mark.parametrize(
    ("ministry", "changes", "code"),
    [
        (US, {}, "recipient.unknown"),
        (UK, {"recall": f"sha256:{'0' * 64}"}, "recall.unknown"),
        (UK, {"exhibits": [f"sha256:{'0' * 64}"]}, "recall-answer.exhibits"),
        (UK, {"answer": "kept"}, "statement.body"),
    ],
)
def test_only_who_was_asked_answers(
    federation: Federation, ministry: str, changes: dict[str, object], code: str
) -> None:
    _, recall = recalled(federation)
    content = {"recall": recall, "answer": "stopped", **changes}
    with pytest.raises(Exception, match=r".") as refused:
        exchange.issue(federation, ministry, "recall-answer/1", (US,), content)
    assert getattr(refused.value, "code", "") == code, refused.value
    assert isinstance(refused.value, ComityError) or code == "statement.body"
