"""How much each step of the command line asks of the node: one request for each thing it needs."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from api.cli.client import Api
from tests.cli.conftest import UK
from tests.support.bodies import body
from tests.support.command_line import CommandLine, Ended
from tests.support.exchange import person
from tests.support.running_node import RunningNodes


@contextmanager
def requests(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What is sent until the block ends, ids left out."""
    sent: list[str] = []
    once = Api._once

    def counted(self: Api, method: str, path: str, *arguments: Any, **options: Any) -> Any:
        words = [part for part in path.split("/") if part and len(part) < 32]
        sent.append(f"{method} {'/'.join(words)}")
        return once(self, method, path, *arguments, **options)

    with monkeypatch.context() as patched:
        patched.setattr(Api, "_once", counted)
        yield sent


@pytest.fixture
def asked(
    comity: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[Ended, list[str]]]:
    """Runs a command that succeeds; returns its end and what it sent."""

    def run(profile: str, *line: Any) -> tuple[Ended, list[str]]:
        with requests(monkeypatch) as sent:
            ended = comity(*line, profile=profile, as_json=True)
        assert ended.code == 0, ended.err
        return ended, sent

    return run


def test_a_package_from_the_file_to_its_release(
    asked: Callable[..., tuple[Ended, list[str]]], build: Callable[..., Any]
) -> None:
    file = build("few-requests")
    made, sent = asked("us-analyst", "package", "submit", file)
    assert sent == ["HEAD exhibits", "POST uploads", "PATCH uploads", "POST packages"]
    package = made.document["id"]
    again, sent = asked("us-analyst", "package", "submit", file)
    assert (again.document["id"], sent) == (package, ["HEAD exhibits", "POST packages"])
    terms = ("--to", UK, "--tlp", "AMBER", "--legal-basis", "For the test.")
    draft, sent = asked("us-analyst", "package", "release", package, *terms)
    # Its records of independent acquisition are stated; the signature covers who will seal.
    assert sent == ["GET packages", "GET me", "POST packages/release"]
    _, sent = asked("us-analyst", "package", "release", package, *terms, "--recorded")
    assert sent == ["GET packages", "POST packages/release"]
    shown, sent = asked("us-reviewer", "draft", "preview", draft.document["id"])
    assert sent == ["GET drafts/preview"]
    given = ("draft", "approve", draft.document["id"], "--digest", shown.document["digest"])
    _, sent = asked("us-reviewer", *given)
    assert sent == ["POST drafts/approve"]


def test_a_signed_approval_and_a_statement_in_a_thread(
    asked: Callable[..., tuple[Ended, list[str]]], nodes: RunningNodes, tmp_path: Any
) -> None:
    content = body(
        "designation/1",
        subject=person("Few Requests"),
        jurisdiction="US",
        regime="US-GLOMAG",
        mirrors=[],
    )
    path = tmp_path / "designation.json"
    path.write_text(json.dumps(content))
    draft, sent = asked("us-analyst", "designation", "state", "--body", path, "--to", UK)
    assert sent == ["GET regimes", "GET me", "POST designations"]
    assert draft.document["body"]["regime_edition"], "signed with the edition that is in force"
    asked("us-reviewer2", "draft", "preview", draft.document["id"])
    given = ("draft", "approve", draft.document["id"], "--digest", draft.document["digest"])
    done, sent = asked("us-reviewer2", *given)
    assert sent == ["POST drafts/candidate", "POST drafts/approve"]
    listed = done.document["statement"]
    asking = (
        *("mirror", "request", "--to", UK, "--designation", listed, "--title", "Few"),
        *("--reason", "Listed.", "--authority", "Public.", "--permitted-use", "designation"),
        *("--respond-by", "2027-01-31T17:00Z"),
    )
    opener, sent = asked("us-analyst", *asking)
    assert sent == ["GET designations", "GET me", "POST mirror-requests"]
    asked("us-reviewer", "draft", "preview", opener.document["id"])
    given = ("draft", "approve", opener.document["id"], "--digest", opener.document["digest"])
    thread = asked("us-reviewer", *given)[0].document["statement"]
    nodes.settle()
    find = ("--subject", "s1", "--finding", "decline", "--reason", "Not met.")
    _, sent = asked("uk-analyst", "mirror", "find", thread, *find)
    assert sent == ["GET mirror-requests", "POST mirror-requests/statements"]
    _, sent = asked("uk-analyst", "mirror", "acknowledge", thread, "--recorded")
    assert sent == ["POST mirror-requests/statements"]
