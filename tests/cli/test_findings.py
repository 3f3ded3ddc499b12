"""A finding from the command line: read in words, returned, and written again with an own key."""

import re

import pytest

from tests.cli.conftest import Desk
from tests.support.command_line import CommandLine
from tests.support.running_node import RunningNodes


@pytest.fixture
def thread(desk: Desk, nodes: RunningNodes) -> str:
    """A request of the US to the UK about one person, as both hold it."""
    listed = desk.designated("us", "Found Person", "2020-07-09", "uk-fcdo")
    asked = desk.approved(
        "us",
        *("mirror", "request", "--to", "uk-fcdo", "--designation", listed, "--title", "Find"),
        *("--reason", "Listed.", "--authority", "Public.", "--permitted-use", "designation"),
        *("--respond-by", "2027-01-31T17:00Z"),
    )
    nodes.settle()
    return asked


FIND = ("--subject", "s1", "--finding", "decline", "--reason", "Not met, on what we hold.")


def test_a_finding_is_read_in_words(comity: CommandLine, desk: Desk, thread: str) -> None:
    draft = desk.run("uk-analyst", "mirror", "find", thread, *FIND)["id"]
    said = comity("draft", "preview", draft, profile="uk-reviewer").out
    assert "About the thread: Find\n" in said
    assert "Subject: s1 = Found Person\n" in said
    assert "reasons.releasable: Not met, on what we hold.\n" in said
    assert "To us-treasury (US):\n  mirror-finding/1\n" in said
    assert re.search(r"^    finding +decline$", said, re.MULTILINE)


@pytest.mark.parametrize("statement", ["finding", "withdrawal"])
def test_a_returned_statement_of_a_thread_is_signed_again(
    desk: Desk, thread: str, statement: str
) -> None:
    """The preparer's signature covers the thread, in the second version as in the first."""
    if statement == "finding":
        own, draft = "uk", desk.run("uk-analyst", "mirror", "find", thread, *FIND)
    else:
        withdraw = ("mirror", "withdraw", thread, "--reason", "No longer.")
        own, draft = "us", desk.run("us-analyst", *withdraw)
    assert draft["prepared"]["form"] == "jws"
    given = ("draft", "return", draft["id"], "--reason", "Say it again.")
    desk.run(f"{own}-reviewer", *given)
    again = desk.file(draft["body"])
    replaced = desk.run(f"{own}-analyst", "draft", "replace", draft["id"], "--body", again)
    assert (replaced["version"], replaced["prepared"]["form"]) == (2, "jws")
    approve = ("draft", "approve", draft["id"], "--digest", replaced["digest"])
    desk.run(f"{own}-reviewer", "draft", "preview", draft["id"])
    assert desk.run(f"{own}-reviewer", *approve)["state"] == "sealed"
