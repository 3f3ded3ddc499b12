"""The 518 cases of transparency-dev/merkle, by rule: 482 refused, 36 accepted."""

from collections.abc import Callable

import pytest

from api.tlog.errors import LogError
from api.tlog.proofs import verify_consistency, verify_inclusion
from tests.support.exports import second_verifier
from tests.tlog.corpus import FAMILIES, Consistency, Inclusion, inclusion_cases
from tests.tlog.subtrees import verify_subtree_consistency, verify_subtree_inclusion


def _inclusion(case: Inclusion) -> None:
    verify_inclusion(case.index, case.end, case.leaf, case.proof, case.root)


def _subtree_inclusion(case: Inclusion) -> None:
    verify_subtree_inclusion(case.index, (case.start, case.end), case.leaf, case.proof, case.root)


def _consistency(case: Consistency) -> None:
    verify_consistency(case.end, case.size, case.old_root, case.root, case.proof)


def _subtree_consistency(case: Consistency) -> None:
    verify_subtree_consistency(
        (case.start, case.end), case.size, case.old_root, case.root, case.proof
    )


CHECKS: dict[str, Callable[..., None]] = {
    "inclusion": _inclusion,
    "consistency": _consistency,
    "subtree inclusion": _subtree_inclusion,
    "subtree consistency": _subtree_consistency,
}


def _accepts(check: Callable[..., None], case: Inclusion | Consistency) -> bool:
    try:
        check(case)
    except LogError:
        return False
    return True


@pytest.mark.parametrize("family", FAMILIES)
def test_every_verdict(family: str) -> None:
    cases, must_fail, must_pass = FAMILIES[family]
    verdicts = [(case, _accepts(CHECKS[family], case)) for case in cases()]
    assert [case.name for case, accepted in verdicts if accepted is not case.accept] == []
    assert len({case.name for case, _ in verdicts}) == len(verdicts)
    assert sum(not case.accept for case, _ in verdicts) == must_fail
    assert sum(case.accept for case, _ in verdicts) == must_pass


def test_the_corpus_is_complete() -> None:
    cases = [case for generate, _, _ in FAMILIES.values() for case in generate()]
    assert sum(not case.accept for case in cases) == 482
    assert sum(case.accept for case in cases) == 36


def test_the_second_verifier_agrees_on_every_inclusion() -> None:
    """It reads proof files, so it judges inclusions in whole trees."""
    second = second_verifier()

    def accepts(case: Inclusion) -> bool:
        # What check_proof refuses before: a place outside the tree, a head without a root.
        if not 0 <= case.index < case.end or len(case.root) != 32:
            return False
        try:
            root = second.inclusion_root(case.index, case.end, case.leaf, list(case.proof))
        except second.VerificationError:
            return False
        return bool(root == case.root)

    cases = list(inclusion_cases())
    assert len(cases) == 98
    assert [case.name for case in cases if accepts(case) is not case.accept] == []
