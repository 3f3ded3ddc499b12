"""What an approver reads of a statement's body: every value of it, in lines and never as JSON."""

from collections.abc import Iterator
from typing import Any

import pytest

from api.cli.body_lines import body_lines
from api.wire.types import STATEMENT_TYPES
from tests.support.bodies import body


def values(part: Any) -> Iterator[str]:
    """Every value of a body as it is written in words."""
    if isinstance(part, dict):
        for one in part.values():
            yield from values(one)
    elif isinstance(part, list):
        for one in part:
            yield from values(one)
    elif isinstance(part, bool):
        yield "yes" if part else "no"
    else:
        yield from str(part).splitlines()


@pytest.mark.parametrize("type_", sorted(STATEMENT_TYPES))
def test_every_value_of_every_statement_is_in_the_lines(type_: str) -> None:
    content = body(type_)
    said = "\n".join(body_lines(content))
    assert [value for value in values(content) if value not in said] == []
    assert not set(said) & set('{}"')
    assert all(name.replace("_", " ") in said for name in content)


def test_claims_and_exhibits_are_blocks() -> None:
    lines = list(body_lines(body("evidence-package/1")))
    at = lines.index("claims:")
    assert lines[at + 1 : at + 6] == [
        "  1.",
        "      subject   s1",
        "      act       Held the post during the campaign.",
        "      ground    leader or official",
        "      exhibits  order.txt, order-en.txt",
    ]
    assert "  1. order.txt" in lines
    assert "      translation of  order.txt" in lines


def test_a_member_with_two_names_is_shown_under_both() -> None:
    """A value that is the title of its block elsewhere in the same part is not lost."""
    lines = list(body_lines({"parts": [{"key": "s1", "subject": "s1", "of": ["a"]}]}))
    assert lines == ["parts:", "  1. s1", "      subject  s1", "      of       a"]


def test_text_cannot_pose_as_a_member() -> None:
    """Commas and ends of lines inside a value begin nothing that looks like another value."""
    part = {"releasable": "Yes, internal No", "internal": "a\nmeasures  none"}
    lines = list(body_lines({"reasons": part, "uses": ["one, two", "three"]}))
    assert lines == [
        "reasons:",
        "  releasable  Yes, internal No",
        "  internal:",
        "    a",
        "    measures  none",
        "uses:",
        "  1. one, two",
        "  2. three",
    ]


def test_what_steers_a_terminal_is_escaped() -> None:
    hidden = {"na\u202eme": "\x1b[2J", "list": [{"text": "\x07"}, {"deep": [{"text": "\x1b"}]}]}
    assert not set("\u202e\x1b\x07") & set("\n".join(body_lines(hidden)))
