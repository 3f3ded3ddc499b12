"""Who approved whose work after how long, having seen it: told from events alone."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.domain.approvals import _MADE_BY, approvals
from api.domain.events import Act


def event(act: str, sub: str, at: int, draft: str = "d", **more: Any) -> dict[str, Any]:
    version = more.pop("version", 1)
    return {
        "id": f"event {at}",
        "act": act,
        "time": f"2026-11-23T12:{at // 60:02}:{at % 60:02}.000Z",
        "actor": {"kind": "officer", "iss": "https://id.example", "sub": sub},
        "object": {"kind": "draft", "id": draft, "version": version},
        **more,
    }


def looked(sub: str, at: int, digest: str = "one", draft: str = "d") -> dict[str, Any]:
    return event("draft.previewed", sub, at, draft, digest=digest)


def approved(sub: str, at: int, on: int, digest: str = "one", **more: Any) -> dict[str, Any]:
    """An approval that rests on the look at second ``on``."""
    return event("draft.approved", sub, at, digest=digest, preview=f"event {on}", **more)


def told(*events: dict[str, Any]) -> list[tuple[str, float | None]]:
    found = approvals(list(enumerate(events)))
    return [(each.approver.rpartition(" ")[2], each.seconds) for each in found]


def test_an_approval_is_paired_with_the_approvers_own_last_look() -> None:
    assert told(
        event("draft.created", "ana", 0),
        looked("rex", 10),
        looked("rex", 40),
        approved("rex", 47, 10),
    ) == [("rex", 7.0)]


def test_a_person_may_look_under_one_account_and_decide_under_another() -> None:
    assert told(looked("rex", 10), approved("rex-admin", 30, 10)) == [("rex-admin", 20.0)]


@pytest.mark.parametrize(
    "events",
    [
        [event("draft.approved", "rex", 2, digest="one")],
        [looked("rex", 1, "another"), approved("rex", 2, 1)],
        [looked("rex", 1, draft="e"), approved("rex", 2, 1)],
        [approved("rex", 1, 2), looked("rex", 2)],
        [looked("rex", 1), event("draft.approved", "rex", 2, preview="event 1")],
        [looked("rex", 1), approved("rex", 3, 2)],
    ],
    ids=["none", "another digest", "another object", "later", "no digest", "no such look"],
)
def test_what_is_no_look_at_exactly_that_does_not_count(events: list[dict[str, Any]]) -> None:
    assert told(*events) == [("rex", None)]


def test_all_authors_are_named() -> None:
    events = [
        event("draft.created", "ana", 0),
        event("draft.replaced", "ben", 1, version=2),
        event("draft.replaced", "ana", 2, version=3),
        approved("rex", 3, 0, version=3),
    ]
    (found,) = approvals(enumerate(events))
    assert [author.rpartition(" ")[2] for author in found.authors] == ["ana", "ben"]
    assert (found.index, found.version) == (3, 3)


@pytest.mark.parametrize("act", sorted(_MADE_BY))
def test_every_kind_of_approval_is_told_with_whoever_proposed_it(act: Act) -> None:
    made = [event(each.value, "ana", at) for at, each in enumerate(sorted(_MADE_BY[act]))]
    look = event("change.previewed", "rex", 10, digest="one")
    done = event(act.value, "rex", 15, digest="one", preview="event 10")
    (found,) = approvals(enumerate([*made, look, done]))
    assert (found.act, found.seconds) == (act.value, 5.0)
    assert found.authors == ("https://id.example ana",)


def test_what_an_operator_or_the_node_did_is_nobodys_approval() -> None:
    alone = event("officer.reinstated", "", 1) | {"actor": {"kind": "node"}}
    assert told(alone) == []


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
    events: list[dict[str, Any]] = []
    for at, (act, sub, draft) in enumerate(steps):
        before = [
            one["id"]
            for one in events
            if (one["act"], one["actor"]["sub"], one["object"]["id"])
            == ("draft.previewed", sub, draft)
        ]
        events.append(event(act, sub, at, draft, digest=draft, preview=(before or [""])[0]))
    found = list(approvals(enumerate(events)))
    assert [each.index for each in found] == [
        at for at, (act, _, _) in enumerate(steps) if act == "draft.approved"
    ]
    for each in found:
        earlier = steps[: each.index]
        shown = each.approver.rpartition(" ")[2]
        seen = ("draft.previewed", shown, each.object) in earlier
        assert (each.previewed_at is not None) is seen
