import dataclasses
from collections.abc import Callable

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from api.domain.drafts import (
    Draft,
    DraftState,
    alarm,
    approve,
    begin,
    confirm,
    discard,
    give_back,
    send,
    write_again,
)
from api.domain.errors import ComityError, Conflict, Invalid, Refused, Stale

DUE = "2026-11-24T12:00:00.000Z"


def refused(act: Callable[[], Draft]) -> str:
    with pytest.raises(ComityError) as caught:
        act()
    return caught.value.code


def test_a_second_officer_approves_what_they_saw() -> None:
    sealed = approve(begin("ann", "d1"), "rob", "d1")
    assert (sealed.state, sealed.approver) == (DraftState.SEALED, "rob")


def test_nobody_approves_returns_or_confirms_own_work() -> None:
    draft = write_again(begin("ann", "d1"), "rob", "d2", 1)
    for author in ("ann", "rob"):
        assert refused(lambda who=author: approve(draft, who, "d2")) == "draft.own-work"  # type: ignore[misc]
        assert refused(lambda who=author: give_back(draft, who, "No.")) == "draft.own-work"  # type: ignore[misc]
    assert approve(draft, "rae", "d2").authors == {"ann", "rob"}


def test_an_approval_binds_the_version_that_was_seen() -> None:
    draft = write_again(begin("ann", "d1"), "ann", "d2", 1)
    with pytest.raises(Stale):
        approve(draft, "rob", "d1")
    with pytest.raises(Stale):
        write_again(draft, "bea", "d3", 1)


def test_a_returned_draft_is_written_again_and_keeps_its_authors() -> None:
    returned = give_back(begin("ann", "d1"), "rob", "Which post?")
    assert (returned.state, returned.reason) == (DraftState.RETURNED, "Which post?")
    assert refused(lambda: approve(returned, "rob", "d1")) == "draft.returned"
    again = write_again(returned, "bea", "d2", 1)
    assert (again.state, again.reason, again.authors) == (
        DraftState.DRAFTED,
        "",
        frozenset({"ann", "bea"}),
    )
    with pytest.raises(Invalid):
        give_back(again, "rob", "  ")


def test_what_is_sealed_or_discarded_stays_so() -> None:
    sealed = approve(begin("ann", "d1"), "rob", "d1")
    gone = discard(begin("ann", "d1"), "ann")
    for draft, code in ((sealed, "draft.sealed"), (gone, "draft.discarded")):
        for act in (
            lambda one=draft: write_again(one, "ann", "d2", 1),
            lambda one=draft: approve(one, "rae", "d1"),
            lambda one=draft: send(one, "ann", "d1"),
            lambda one=draft: give_back(one, "rae", "No."),
            lambda one=draft: discard(one, "ann"),
        ):
            assert refused(act) == code
    assert refused(lambda: discard(begin("ann", "d1"), "rob")) == "draft.not-author"


def test_what_left_at_once_is_confirmed_by_another_in_time() -> None:
    recalled = send(begin("rob", "d1"), "rob", "d1", DUE)
    assert not alarm(recalled, DUE)
    assert alarm(recalled, "2026-11-24T12:00:00.001Z")
    assert refused(lambda: confirm(recalled, "rob")) == "draft.own-work"
    done = confirm(recalled, "rae")
    assert not alarm(done, "2027-01-01T00:00:00.000Z")
    assert refused(lambda: confirm(done, "rex")) == "draft.confirmed"
    unasked = approve(begin("ann", "d1"), "rob", "d1")
    assert refused(lambda: confirm(unasked, "rae")) == "draft.not-awaiting-confirmation"
    both = approve(begin("ann", "d1"), "rob", "d1", DUE)
    assert refused(lambda: confirm(both, "rob")) == "draft.own-work"


def test_only_an_author_sends_what_they_saw() -> None:
    assert refused(lambda: send(begin("ann", "d1"), "rob", "d1")) == "draft.not-author"
    assert refused(lambda: send(begin("ann", "d1"), "ann", "d0")) == "draft.stale"


people = st.sampled_from(["ann", "bea", "rob", "rae"])


class DraftLife(RuleBasedStateMachine):
    """Whatever is tried in whatever order, what was sealed had four eyes."""

    def __init__(self) -> None:
        super().__init__()
        self.draft = begin("ann", "d1")
        self.sealed: Draft | None = None

    def attempt(self, act: Callable[[], Draft]) -> None:
        try:
            self.draft = act()
        except (Conflict, Refused):
            return
        if self.draft.state is DraftState.SEALED and self.sealed is None:
            self.sealed = self.draft

    @rule(who=people, seen=st.integers(1, 4))
    def write(self, who: str, seen: int) -> None:
        digest = f"d{self.draft.current.number + 1}"
        self.attempt(lambda: write_again(self.draft, who, digest, seen))

    @rule(who=people, seen=st.integers(1, 4))
    def approve(self, who: str, seen: int) -> None:
        self.attempt(lambda: approve(self.draft, who, f"d{seen}"))

    @rule(who=people)
    def give_back(self, who: str) -> None:
        self.attempt(lambda: give_back(self.draft, who, "Why?"))

    @rule(who=people)
    def discard(self, who: str) -> None:
        self.attempt(lambda: discard(self.draft, who))

    @rule(who=people)
    def confirm(self, who: str) -> None:
        self.attempt(lambda: confirm(self.draft, who))

    @invariant()
    def four_eyes_hold(self) -> None:
        if self.draft.approver:
            assert self.draft.approver not in self.draft.authors
        if self.sealed is not None:
            assert dataclasses.replace(self.draft, confirmer="") == self.sealed


DraftLife.TestCase.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)
TestDraftLife = DraftLife.TestCase
