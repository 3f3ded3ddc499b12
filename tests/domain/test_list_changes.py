"""What differs between two sources of an entry, whatever their order and blanks."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.domain.lists import tree
from api.domain.lists.births import birth
from api.domain.lists.changes import EntryOutcome, compare
from api.domain.lists.entries import EntryKind, ListedName, ListEntry
from api.domain.lists.tree import Change, Node

TEXT = st.sampled_from(["", " ", "a", "b 1"])
PAIRS = st.sampled_from([(), (("x", "a"),), (("x", "b"), ("y", " ")), (("y", "b"),)])


def nodes() -> st.SearchStrategy[Node]:
    """A list of items, each with a few values: as deep as published entries are."""
    leaf = st.builds(Node, st.sampled_from(["aka", "uid", "row"]), TEXT, PAIRS)
    item = st.builds(
        Node, st.just("item"), TEXT, PAIRS, st.lists(leaf, max_size=2).map(tuple), TEXT
    )
    return st.builds(Node, st.just("list"), TEXT, PAIRS, st.lists(item, max_size=2).map(tuple))


def shuffled(node: Node, source: random.Random) -> Node:
    children = [shuffled(one, source) for one in node.children]
    source.shuffle(children)
    attributes = list(node.attributes)
    source.shuffle(attributes)
    blanks = node.text and f"  {node.text}\n"
    return node._replace(children=tuple(children), attributes=tuple(attributes), text=blanks)


@settings(max_examples=50, deadline=None)
@given(node=nodes(), source=st.randoms(use_true_random=False))
def test_order_and_blanks_are_no_difference(node: Node, source: random.Random) -> None:
    other = shuffled(node, source)
    assert tree.form(node) == tree.form(other)
    assert tree.differences(node, other) == []


@settings(max_examples=50, deadline=None)
@given(one=nodes(), other=nodes())
def test_there_are_differences_exactly_where_forms_differ(one: Node, other: Node) -> None:
    # Two roots of one tag, as two editions of one entry are.
    one, other = Node("entry", "", (), (one,)), Node("entry", "", (), (other,))
    assert bool(tree.differences(one, other)) == (tree.form(one) != tree.form(other))


def aka(uid: str, name: str) -> Node:
    return Node("aka", "", (), (Node("uid", uid), Node("lastName", name)))


def test_old_and_new_value_stand_beside_each_other() -> None:
    old = Node("sdnEntry", "", (), (aka("12", "OLD"), aka("13", "STAYS"), Node("title", "Head")))
    new = Node("sdnEntry", "", (), (aka("13", "STAYS"), aka("12", "NEW"), Node("title", "Chief")))
    assert tree.differences(old, new) == [
        Change("aka[uid=12]/lastName", "OLD", "NEW"),
        Change("title", "Head", "Chief"),
    ]


def test_lines_are_compared_by_column() -> None:
    rows = tuple(Node("row", "", (("Name", f"N{n}"), ("Regime", "A"))) for n in range(300))
    moved = tuple(Node("row", "", (("Name", f"N{n}"), ("Regime", "B"))) for n in range(300))
    old, new = Node("lines", "", (), rows), Node("lines", "", (), moved)
    assert tree.differences(old, new) == [Change("row/@Regime", "A", "B")]
    crossed = Node("lines", "", (), rows[:-1])
    assert tree.differences(old, crossed) == [Change("row/@Name", "N299", None)]


def entry(name: str, born: str = "", id_: str = "Testland/1/1", **more: object) -> ListEntry:
    births = tuple(one for one in [birth(born)] if one is not None)
    source = Node("record", "", (), (Node("Name", name), Node("Born", born)))
    return ListEntry(id_, EntryKind.PERSON, (ListedName(name),), source, births=births, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("old", "new", "outcomes"),
    [
        (entry("Ada Example"), entry("Bob Specimen"), [EntryOutcome.REMOVED, EntryOutcome.ADDED]),
        (
            entry("Ada Example", "1955"),
            entry("Ada Exemple", "1955"),
            [EntryOutcome.REMOVED, EntryOutcome.ADDED],
        ),
        (entry("Ada Mary Example"), entry("Ada Mary Exemple"), [EntryOutcome.AMENDED]),
        (entry("Ada Example", "1955"), entry("Ada Example", "1990"), [EntryOutcome.AMENDED]),
        (
            entry("Ada Smith", "1955"),
            entry("Bob Smith", "1990"),
            [EntryOutcome.REMOVED, EntryOutcome.ADDED],
        ),
        (entry("Ada Example"), entry("Ada Example"), []),
    ],
)
def test_a_place_that_gets_another_subject_is_a_removal_and_an_addition(
    old: ListEntry, new: ListEntry, outcomes: list[EntryOutcome]
) -> None:
    found = compare(old, new, same_layout=True, by_place=True)
    assert [one.outcome for one in found] == outcomes
    assert all(one.same_place == (len(outcomes) == 2) for one in found)


def test_between_layouts_only_what_both_say_counts() -> None:
    table = entry("EXAMPLE, Ada", "25 Nov 1955", programs=("A", "B"))
    markup = entry("Ada EXAMPLE", "1955-11-25", programs=("B", "A"), note="More.")
    assert compare(table, markup, same_layout=False, by_place=False) == []
    other = entry("Ada EXAMPLE", "1955-11-26", programs=("A",))
    (change,) = compare(table, other, same_layout=False, by_place=False)
    assert [(one.path, one.old, one.new) for one in change.changes] == [
        ("programs", "B", None),
        ("births", "1955-11-25 to 1955-11-25", "1955-11-26 to 1955-11-26"),
    ]
