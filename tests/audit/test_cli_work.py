"""`comity audit sample|note|gaps|erase|retention` against a real node."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import journeys
from tests.support.command_line import CommandLine, Ended
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
    nodes.profile(tmp_path, US, "auditor", key=True)
    for name in ("admin", "admin2", "analyst"):
        nodes.profile(tmp_path, US, name)
    return CommandLine(tmp_path)


def test_samples_and_notes(comity: CommandLine) -> None:
    drawn = comity(
        *("audit", "sample", "draw", "--name", "may", "--count", "4", "--seed", "7 June"),
        *("--from", "1", "--act", "draft.created", "--act", "draft.approved"),
        profile="us-auditor",
        as_json=True,
    )
    assert drawn.code == 0, drawn.err
    sample = drawn.document["id"]
    assert drawn.document["rule"]["seed"] == "7 June"
    shown = comity("audit", "sample", "show", sample, profile="us-auditor")
    assert shown.code == 0
    assert "draft." in shown.out
    listed = comity("audit", "sample", "list", profile="us-auditor")
    assert sample in listed.out
    about = ("--sample", sample, "--verdict", "in-order", "--text", "All as it should be.")
    signed = comity("audit", "note", "write", *about, profile="us-auditor")
    assert (signed.code, signed.err) == (0, "Signed with your key.\n")
    word = ("--leaf", "3", "--verdict", "question", "--text", "Why?", "--recorded")
    recorded = comity("audit", "note", "write", *word, profile="us-auditor")
    assert (recorded.code, recorded.err) == (0, "Recorded on the node's word.\n")
    notes = comity("audit", "note", "list", profile="us-auditor", as_json=True).document["items"]
    assert [each["endorsement"] is None for each in notes] == [True, False]
    table = comity("audit", "note", "list", "--leaf", "3", profile="us-auditor").out
    assert "leaf 3" in table
    assert "question" in table
    refused = comity("audit", "note", "write", *word, profile="us-analyst")
    assert refused.code == 4


def test_a_sample_is_drawn_again_offline_from_an_export(
    comity: CommandLine, tmp_path: Path, nodes: RunningNodes
) -> None:
    """The same entries under the same root, though the log has grown since."""
    draw = ("audit", "sample", "draw", "--name", "again", "--count", "5", "--seed", "7 June")
    rule = ("--from", "1", "--act", "draft.created", "--act", "access.refused")
    drawn = comity(*draw, *rule, profile="us-auditor", as_json=True).document
    assert len(drawn["entries"]) >= 2
    journeys.witness_all(nodes.federation)
    export, file = tmp_path / "whole.zip", tmp_path / "sample.json"
    made = comity(
        *("audit", "export", "--out", export, "--purpose", "A test."), profile="us-auditor"
    )
    assert made.code == 0, made.err
    shown = comity("audit", "sample", "show", drawn["id"], profile="us-auditor", as_json=True)
    file.write_text(shown.out)

    alone = CommandLine(tmp_path / "nobody")
    redraw = ("audit", "sample", "redraw", "--export", export)
    own = ("--count", "5", "--seed", "7 June", *rule, "--size", str(drawn["size"]))
    again = alone(*redraw, *own, as_json=True)
    assert again.code == 0, again.err
    assert (again.document["root"], again.document["entries"]) == (drawn["root"], drawn["entries"])
    compared = alone(*redraw, "--sample", file)
    assert (compared.code, compared.err) == (0, "The node drew the same.\n")

    other = json.loads(file.read_text())
    seed = {"rule": other["rule"] | {"seed": "8 June", "count": 1}}
    for change in ({"root": "0" * 64}, {"entries": other["entries"][1:]}, seed):
        file.write_text(json.dumps(other | change))
        assert alone(*redraw, "--sample", file).code == 3, change
    assert alone(*redraw, *own[:-1], "9999999", as_json=True).problem["code"] == "sample.range"
    assert alone(*redraw, "--count", "3").code == 2
    file.write_text("{}")
    assert alone(*redraw, "--sample", file, as_json=True).problem["code"] == "sample.file"
    damaged = bytearray(export.read_bytes())
    damaged[damaged.index(b'"index":0')] ^= 1
    export.write_bytes(damaged)
    assert alone(*redraw, *own).code == 3


def decided(comity: CommandLine, order: str, profile: str) -> Ended:
    """Look at an order to erase and approve just that."""
    seen = comity("audit", "erase", "preview", order, profile=profile, as_json=True)
    if seen.code:
        return seen
    chosen = ("--digest", seen.document["digest"])
    return comity("audit", "erase", "approve", order, *chosen, profile=profile, as_json=True)


def test_an_order_to_erase(comity: CommandLine) -> None:
    order = ("--target", "4", "--authority", "High Court", "--reference", "QB-1")
    made = comity("audit", "erase", "propose", *order, profile="us-admin", as_json=True)
    assert made.code == 0, made.err
    identifier = made.document["id"]
    own = decided(comity, identifier, "us-admin")
    assert (own.code, own.problem["code"]) == (4, "policy.own-proposal")
    assert identifier in comity("audit", "erase", "list", profile="us-admin2").out
    assert "Nothing to show" in comity("audit", "gaps", profile="us-auditor").out
    done = decided(comity, identifier, "us-admin2")
    assert done.document["state"] == "carried-out"
    assert "QB-1" in comity("audit", "gaps", profile="us-auditor").out
    assert "erased" in comity("audit", "list", "--limit", "200", profile="us-auditor").out
    again = comity("audit", "erase", "reject", identifier, profile="us-admin2")
    assert again.code == 6


def test_what_is_past_its_time(comity: CommandLine, nodes: RunningNodes, tmp_path: Path) -> None:
    url = nodes.federation[US].db.url
    result = comity("audit", "retention", "--database-url", url, as_json=True)
    assert result.code == 0, result.err
    by_class = {each["class"]: each for each in result.document["items"]}
    assert by_class["decisions"]["bodies"] > 0
    assert by_class["decisions"]["due"] == 0
    own = tmp_path / "classes.toml"
    own.write_text('[[class]]\nname = "all"\nyears = 0\nbasis = "test"\nacts = ["*"]\n')
    table = comity("audit", "retention", "--database-url", url, "--classes", own)
    assert table.code == 0
    assert "for good" in table.out
