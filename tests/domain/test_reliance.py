from hypothesis import given
from hypothesis import strategies as st

from api.domain.designations import standing
from api.domain.reliance import (
    Point,
    Reliance,
    RelianceKind,
    in_thread,
    of_designation,
    of_proposal,
    ripple,
)
from api.domain.threads.sequences import Record, fold
from tests.support.bodies import body, digest
from tests.support.statements import UK, US, finding, opener, said, statement

PACKAGE, OTHER = digest("b1"), digest("b2")


def mirrored() -> tuple[Record, list[Reliance], str]:
    """A thread with one finding on a package and its effect, and all that rests on what."""
    listing = statement(
        "designation/1",
        body(
            "designation/1",
            jurisdiction="UK",
            regime="UK-GHR",
            proposal=digest("f0"),
            mirrors=[{"jurisdiction": "US", "designation": digest("d1")}],
        ),
        issuer=UK,
        to=(US,),
    )
    record = said(Record((opener(("s1",)),)), UK, "finding", **finding("s1", relies_on=[PACKAGE]))
    record = said(record, UK, "effect", subject="s1", designation=listing.id)
    graph = [
        *in_thread(fold(record)),
        *of_designation(standing(listing, [])),
        *of_proposal(digest("f0"), UK, body("designation-proposal/1")),
    ]
    return record, graph, listing.id


def test_a_recalled_package_reaches_finding_proposal_and_designation() -> None:
    record, graph, listing = mirrored()
    affected = ripple(graph, (RelianceKind.PACKAGE, PACKAGE))
    by_kind = {one.decision.kind: one for one in affected}
    assert set(by_kind) == {RelianceKind.FINDING, RelianceKind.PROPOSAL, RelianceKind.DESIGNATION}
    assert by_kind[RelianceKind.FINDING].path == (record.addressee[0].id,)
    assert (by_kind[RelianceKind.FINDING].thread, by_kind[RelianceKind.FINDING].key) == (
        record.opener.id,
        "s1",
    )
    assert by_kind[RelianceKind.DESIGNATION].decision == Point(
        RelianceKind.DESIGNATION, listing, UK
    )
    assert len(by_kind[RelianceKind.DESIGNATION].path) == 2
    assert ripple(graph, (RelianceKind.PACKAGE, OTHER)) == ()


def test_a_delisting_reaches_those_who_mirrored() -> None:
    _, graph, listing = mirrored()
    affected = ripple(graph, (RelianceKind.DESIGNATION, digest("d1")))
    assert {one.decision.kind for one in affected} == {
        RelianceKind.FINDING,
        RelianceKind.DESIGNATION,
    }
    assert (listing,) in {one.path for one in affected}


def test_a_superseded_finding_rests_on_nothing_unless_it_had_effect() -> None:
    record = said(
        Record((opener(("s1",)),)), UK, "finding", **finding("s1", "defer", relies_on=[PACKAGE])
    )
    record = said(record, UK, "finding", **finding("s1", "decline", relies_on=[OTHER]))
    assert [one.on for one in in_thread(fold(record))] == [(RelianceKind.PACKAGE, OTHER)]
    kept, _, _ = mirrored()
    kept = said(kept, UK, "finding", **finding("s1", "decline"))
    assert (RelianceKind.PACKAGE, PACKAGE) in {one.on for one in in_thread(fold(kept))}


points = st.builds(
    Point, st.sampled_from(RelianceKind), st.sampled_from(["a", "b", "c", "d"]), st.just(UK)
)
graphs = st.lists(
    st.builds(
        Reliance,
        points,
        st.tuples(st.sampled_from(RelianceKind), st.sampled_from(["a", "b", "c", "d"])),
    ),
    max_size=20,
)


@given(graph=graphs, shuffled=st.randoms(use_true_random=False))
def test_a_ripple_ends_reaches_each_once_and_does_not_mind_the_order(
    graph: list[Reliance], shuffled: object
) -> None:
    start = (RelianceKind.PACKAGE, "a")
    affected = ripple(graph, start)
    places = [(one.decision.kind, one.decision.id) for one in affected]
    assert len(places) == len(set(places))
    assert start not in places
    assert ripple(list(reversed(graph)), start) == affected
    direct = {(one.decision.kind, one.decision.id) for one in graph if one.on == start} - {start}
    assert direct <= set(places)
    assert [len(one.path) for one in affected] == sorted(len(one.path) for one in affected)
