"""`comity audit export` against a real node."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.domain.verification.export import verify_export
from tests.support import journeys
from tests.support.command_line import CommandLine
from tests.support.running_node import RunningNodes, running_nodes

US = "us-treasury"


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNodes]:
    with running_nodes(tmp_path_factory.mktemp("nodes")) as running:
        journeys.exchange(running.federation)
        journeys.witness_all(running.federation)
        yield running


@pytest.fixture
def comity(nodes: RunningNodes, tmp_path: Path) -> CommandLine:
    for name in ("auditor", "analyst"):
        nodes.profile(tmp_path, US, name)
    return CommandLine(tmp_path)


@pytest.fixture
def membership(nodes: RunningNodes, tmp_path: Path) -> Path:
    path = tmp_path / "membership.json"
    path.write_bytes(nodes.federation.membership.raw)
    return path


def test_an_auditor_saves_an_export(
    comity: CommandLine, membership: Path, tmp_path: Path, nodes: RunningNodes
) -> None:
    out = tmp_path / "audit.zip"
    asked = ("audit", "export", "--out", out, "--purpose", "Yearly audit & more")
    result = comity(*asked, "--membership", membership, profile="us-auditor", as_json=True)
    assert result.code == 0, result.err
    document = result.document
    assert document["ministry"] == US
    assert document["origin_proven"] is True
    assert document["disclosed"] == document["to"] > 10
    report = verify_export(io.BytesIO(out.read_bytes()), nodes.federation.membership)
    assert report.manifest.purpose == "Yearly audit & more"
    assert [path.name for path in tmp_path.glob(".*")] == []
    judged = comity("verify", out, "--membership", membership, as_json=True)
    assert judged.code == 0, judged.err
    again = comity(*asked, profile="us-auditor")
    assert again.code == 6
    assert "audit.zip already" in again.err


def test_filters_and_days(comity: CommandLine, tmp_path: Path) -> None:
    result = comity(
        *("audit", "export", "--out", tmp_path / "part.zip", "--purpose", "releases only"),
        *("--act", "package.released", "--act", "package.submitted", "--from", "2020-01-01"),
        profile="us-auditor",
        as_json=True,
    )
    assert result.code == 0, result.err
    found = result.document
    assert found["withheld"] + found["disclosed"] == found["to"]
    assert 0 < found["disclosed"] < found["to"]
    assert found["origin_proven"] is False


@pytest.mark.parametrize("part", [("--from", "3"), ("--act", "package.released")])
def test_approvals_are_not_judged_by_a_part_of_the_log(
    comity: CommandLine, tmp_path: Path, part: tuple[str, str]
) -> None:
    """Who looked may have looked before it: nobody is said not to have."""
    out = tmp_path / "part.zip"
    asked = ("audit", "export", "--out", out, "--purpose", "a part", *part)
    assert comity(*asked, profile="us-auditor").code == 0
    told = comity("audit", "approvals", "--export", out, as_json=True)
    assert told.problem["code"] == "export.filtered"


def test_others_are_refused_and_nothing_is_left(comity: CommandLine, tmp_path: Path) -> None:
    out = tmp_path / "mine.zip"
    result = comity("audit", "export", "--out", out, "--purpose", "x", profile="us-analyst")
    assert result.code == 4
    assert not out.exists()
    assert [path.name for path in tmp_path.glob(".*")] == []


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", "query.invalid"),
        ("?purpose=", "query.invalid"),
        ("?purpose=a%0Ab", "export.purpose"),
        ("?purpose=a&from=never", "export.range"),
        ("?purpose=a&act=nothing.done", "export.filter"),
    ],
)
def test_the_door_refuses(nodes: RunningNodes, query: str, code: str) -> None:
    with nodes[US].client("auditor") as client:
        answer = client.get(f"/api/v1/audit/export{query}")
    assert answer.status_code == 422
    assert answer.json()["code"] == code


def test_the_answer_names_its_file(nodes: RunningNodes) -> None:
    with nodes[US].client("auditor") as client:
        answer = client.get("/api/v1/audit/export", params={"purpose": "x", "from": "2", "to": "5"})
    assert answer.headers["content-disposition"] == (
        'attachment; filename="us-treasury-audit-2-5.zip"'
    )
    assert answer.headers["content-type"] == "application/zip"
    assert int(answer.headers["content-length"]) == len(answer.content)
