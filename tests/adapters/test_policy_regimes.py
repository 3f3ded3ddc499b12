"""The regimes of a policy directory are read whole or not at all."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from api.adapters.policy.loading import PolicyError
from api.adapters.policy.regimes import load_regimes

POLICIES = Path(__file__).resolve().parents[2] / "policies"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    shutil.copytree(POLICIES / "regimes", tmp_path / "regimes")
    return tmp_path


def edit(directory: Path, name: str, **members: Any) -> None:
    path = directory / "regimes" / f"{name}.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**document, **members}), encoding="utf-8")


def test_shipped_regimes_load_in_order() -> None:
    regimes = load_regimes(POLICIES)
    assert list(regimes) == sorted(regimes)
    assert regimes["UK-GHR"].jurisdiction == "UK"


def test_sources_are_public_names() -> None:
    for path in (POLICIES / "regimes").glob("*.json"):
        text = path.read_text(encoding="utf-8")
        assert ".xml.gz" not in text
        assert not re.search(r"/(?:home|mnt|root|srv|tmp|work)/", text)


def test_name_that_is_not_the_id_is_refused(directory: Path) -> None:
    (directory / "regimes" / "EU-HR.json").rename(directory / "regimes" / "EU-HRX.json")
    with pytest.raises(PolicyError, match="holds the regime"):
        load_regimes(directory)


@pytest.mark.parametrize(
    "alternatives",
    [
        [{"regime": "CA-MARITIME", "conduct": ["bribery"]}],
        [{"regime": "UK-GHR", "conduct": ["killing", "torture", "forced-labour"]}],
        [{"regime": "CA-SEMA", "conduct": ["bribery"]}],
    ],
    ids=["unknown", "another country", "other conduct"],
)
def test_alternative_that_leads_nowhere_is_refused(
    directory: Path, alternatives: list[Any]
) -> None:
    edit(directory, "CA-JVCFOA", alternatives=alternatives)
    with pytest.raises(PolicyError):
        load_regimes(directory)


@pytest.mark.parametrize("data", [b"{", b'{"id":1,"id":2}', b"[]", b"\xff"])
def test_unreadable_document_is_refused(directory: Path, data: bytes) -> None:
    (directory / "regimes" / "EU-HR.json").write_bytes(data)
    with pytest.raises(PolicyError):
        load_regimes(directory)


def test_directory_without_regimes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PolicyError):
        load_regimes(tmp_path)
