"""The auditor's guide: its program counts what the nodes count, its drawing rule is the node's."""

import re
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from api.domain.sampling import draw
from api.services.audit.export import exporting
from api.services.audit.export.export_entries import Wanted
from tests.support import counted_streams, journeys
from tests.support.federation import Federation

GUIDE = (Path(__file__).parents[2] / "docs" / "auditing.md").read_text(encoding="utf-8")
ACTS = ("message.sent", "message.receipted", "statement.applied", "statement.refused")


@pytest.fixture(scope="module")
def federation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Federation]:
    made = Federation(tmp_path_factory.mktemp("federation"))
    journeys.exchange(made, 2)
    theirs = journeys.submit(made, "uk-fcdo", "From London", b"another exhibit\n")
    journeys.release(made, theirs, "us-treasury", "uk-fcdo")
    made.settle()
    journeys.witness_all(made)
    yield made
    made.close()


def test_the_recount_of_the_guide(federation: Federation, tmp_path: Path) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    (tmp_path / "recount.py").write_text(program)
    for node in federation:
        auditor = federation.officer(node.ministry, "auditor")
        with exporting.export(node, auditor, Wanted("recount")).file as file:
            (tmp_path / f"{node.ministry}.zip").write_bytes(file.read())
    files = sorted(path.name for path in tmp_path.glob("*.zip"))
    done = subprocess.run(
        [sys.executable, "-I", "recount.py", *files],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    counted = {tuple(line.split()[:3]): int(line.split()[3]) for line in done.stdout.splitlines()}
    expected = {}
    for node in federation:
        for peer, known in node.db.read(counted_streams.delivered).items():
            expected[node.ministry, peer, "message.sent"] = known["sent"]
            expected[node.ministry, peer, "message.receipted"] = known["receipted"]
        for peer, answers in node.db.read(counted_streams.decided).items():
            for outcome, number in answers.items():
                expected[node.ministry, peer, f"statement.{outcome}"] = number
    assert counted == expected
    assert counted["us-treasury", "uk-fcdo", "statement.applied"] == 3


def test_the_drawing_rule_of_the_guide() -> None:
    assert 'SHA-256("comity/sample/v1\\n" ‖ root ‖ SHA-256(seed) ‖ index)' in GUIDE
    root, seed = sha256(b"root").digest(), "7 June"

    def rank(index: int) -> bytes:
        parts = (b"comity/sample/v1\n", root, sha256(seed.encode()).digest())
        return sha256(b"".join(parts) + index.to_bytes(8, "big")).digest()

    by_hand = sorted(sorted(range(1000), key=rank)[:25])
    assert draw(root, seed, range(1000), 25) == by_hand


def test_every_kind_of_finding_is_explained() -> None:
    folder = Path(__file__).parents[2] / "api" / "services" / "audit" / "fsck"
    codes = {
        code
        for path in folder.glob("*.py")
        for code in re.findall(r'"(fsck\.[a-z-]+)"', path.read_text(encoding="utf-8"))
    }
    explained = set(re.findall(r"`(fsck\.[a-z-]+)`", GUIDE))
    for short in ("row", "table", "column"):
        explained |= {f"fsck.{short}-{what}" for what in ("missing", "extra", "type")}
    assert codes - explained == {"fsck.ministry"}
