"""A misspelt column, or a misspelt member of a read model, does not pass the type checker.

Each is planted in a copy of the package, in the code that reads it, one in a module, so that each
stands alone on its line; one run of mypy must find every one of them and nothing else.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.campaigns import campaign

ROOT = Path(__file__).resolve().parents[2]

COLUMNS = {
    "api/services/road/delivering.py": ("message.envelope", "message.envelop"),
    "api/services/road/receiving.py": ("stream.next_seq", "stream.next_sequence"),
    "api/services/road/disposing.py": ("row.issuer", "row.isuer"),
    "api/services/road/applying.py": ("message.peer", "message.pear"),
    "api/services/log/checkpoints.py": ("event.envelope_digest", "event.enveloped_digest"),
    "api/services/audit/erasure.py": ("row.proposed_by", "row.proposed_of"),
    "api/services/audit/fsck/heads.py": ("row.cosigned", "row.countersigned"),
    "api/services/desk/evidence.py": ("package.submitted_at", "package.submited_at"),
    "api/services/statements/effects/designation_record.py": ("row.standing", "row.standng"),
    "api/services/desk/withdrawing.py": ("release.recipient", "release.receipient"),
}
"""By module that reads a row: the column as it is read there, and misspelt."""

MEMBERS = {
    "api/web/rest/coverage.py": ("found.programme", "found.program"),
    "api/web/rest/mirror_requests.py": ("view.statements", "view.statement"),
    "api/web/rest/audit_work.py": ("found.lost", "found.losses"),
    "api/web/console/pages/designations.py": ("view.clocks", "view.clock"),
    "api/web/console/pages/drafts.py": ("draft.nonce", "draft.nonse"),
    "api/web/console/pages/mirror_requests.py": ("view.described", "view.descriptions"),
    "api/web/console/pages/packages.py": ("view.exhibits", "view.exhibit"),
    "api/web/console/pages/audit.py": ("found.view", "found.shown"),
    "api/web/rest/subjects.py": ("found.left_out", "found.leftout"),
    "api/web/console/pages/proposals.py": ("view.ministry", "view.ministery"),
}
"""By module of a door: the member of a use case's answer as it is read there, and misspelt."""

PLANTED = COLUMNS | MEMBERS


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What mypy says, by ``file:line``, of a copy with all twenty."""
    copy = tmp_path_factory.mktemp("misspelt")
    unseen = shutil.ignore_patterns("__pycache__", "*.mo", "static")
    shutil.copytree(ROOT / "api", copy / "api", ignore=unseen)
    shutil.copy(ROOT / "pyproject.toml", copy)
    if (ROOT / ".mypy_cache").is_dir():
        shutil.copytree(ROOT / ".mypy_cache", copy / ".mypy_cache")
    for name, (right, wrong) in PLANTED.items():
        path = copy / name
        path.write_text(_misspelt(path.read_text("utf-8"), right, wrong), "utf-8")
    command = [sys.executable, "-m", "mypy", "--no-error-summary", "--hide-error-context"]
    done = subprocess.run(
        command,
        cwd=copy,
        env={**os.environ, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    found: dict[str, list[str]] = {}
    for line in done.stdout.splitlines():
        match = re.match(r"(.+?:\d+): error: (.*)", line)
        assert match is not None, line
        found.setdefault(match[1], []).append(match[2])
    return found


def _misspelt(text: str, right: str, wrong: str) -> str:
    return re.sub(rf"\b{re.escape(right)}\b", wrong, text, count=1)


def _place(name: str, right: str) -> str:
    text = (ROOT / name).read_text("utf-8")
    found = re.search(rf"\b{re.escape(right)}\b", text)
    assert found is not None, f"{name} no longer reads {right}: name another member that it reads"
    return f"{name}:{text.count(chr(10), 0, found.start()) + 1}"


@pytest.mark.parametrize("name", PLANTED)
def test_what_is_misspelt_is_read_there(name: str) -> None:
    assert _place(name, PLANTED[name][0])


@campaign("test_what_is_misspelt_is_read_there")
@pytest.mark.parametrize("name", PLANTED)
def test_mypy_finds_it(planted: dict[str, list[str]], name: str) -> None:
    right, wrong = PLANTED[name]
    said = planted.get(_place(name, right), [])
    assert any(f'has no attribute "{wrong.partition(".")[2]}"' in one for one in said), said


@campaign("test_what_is_misspelt_is_read_there")
def test_there_are_ten_of_each_and_nothing_else_is_wrong(planted: dict[str, list[str]]) -> None:
    assert (len(COLUMNS), len(MEMBERS)) == (10, 10)
    assert set(planted) == {_place(name, right) for name, (right, _) in PLANTED.items()}
