"""Who approved whose draft after how long, having seen it: told from events alone."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from api.domain.approvals import approvals


def event(act: str, sub: str, at: int, draft: str = "d", version: int = 1) -> dict[str, Any]:
    return {
        "act": act,
        "time": f"2026-11-23T12:{at // 60:02}:{at % 60:02}.000Z",
        "actor": {"kind": "officer", "iss": "https://id.example", "sub": sub},
        "object": {"kind": "draft", "id": draft, "version": version},
    }


def told(*events: dict[str, Any]) -> list[tuple[str, float | None]]:
    found = approvals(list(enumerate(events)))
    return [(each.approver.rpartition(" ")[2], each.seconds) for each in found]


def test_an_approval_is_paired_with_the_approvers_own_last_preview() -> None:
    assert told(
        event("draft.created", "ana", 0),
        event("draft.previewed", "rex", 10),
        event("draft.previewed", "rex", 40),
        event("draft.approved", "rex", 47),
    ) == [("rex", 7.0)]


def test_a_colleagues_preview_another_version_and_a_later_one_do_not_count() -> None:
    assert told(event("draft.previewed", "eva", 1), event("draft.approved", "rex", 2)) == [
        ("rex", None)
    ]
    assert told(
        event("draft.previewed", "rex", 1),
        event("draft.replaced", "ana", 2, version=2),
        event("draft.approved", "rex", 3, version=2),
    ) == [("rex", None)]
    assert told(event("draft.approved", "rex", 1), event("draft.previewed", "rex", 2)) == [
        ("rex", None)
    ]
    assert told(event("draft.previewed", "rex", 1, "e"), event("draft.approved", "rex", 2)) == [
        ("rex", None)
    ]


def test_all_authors_are_named() -> None:
    events = [
        event("draft.created", "ana", 0),
        event("draft.replaced", "ben", 1, version=2),
        event("draft.replaced", "ana", 2, version=3),
        event("draft.approved", "rex", 3, version=3),
    ]
    (found,) = approvals(enumerate(events))
    assert [author.rpartition(" ")[2] for author in found.authors] == ["ana", "ben"]
    assert (found.index, found.version) == (3, 3)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["draft.created", "draft.previewed", "draft.approved", "key.used"]),
            st.sampled_from(["ana", "rex"]),
            st.sampled_from(["d", "e"]),
        )
    )
)
def test_every_approval_is_told_once_and_no_other_event(
    steps: list[tuple[str, str, str]],
) -> None:
    events = [event(act, sub, at, draft) for at, (act, sub, draft) in enumerate(steps)]
    found = list(approvals(enumerate(events)))
    assert [each.index for each in found] == [
        at for at, (act, _, _) in enumerate(steps) if act == "draft.approved"
    ]
    for each in found:
        before = steps[: each.index]
        shown = each.approver.rpartition(" ")[2]
        assert (each.previewed_at is not None) is (("draft.previewed", shown, each.draft) in before)
