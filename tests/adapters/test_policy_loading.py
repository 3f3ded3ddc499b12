"""A policy directory that is broken in any way stops the node from starting."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from api.adapters.policy.cedar import CedarDecider
from api.adapters.policy.loading import PolicyError, load
from tests.policies.cases import POLICIES

GOOD = '@id("t.x")\n@reason("Because.")\npermit (principal is Node, action == Action::"head.anchor", resource);\n'


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    target = tmp_path / "policies"
    target.mkdir()
    for path in POLICIES.iterdir():
        if path.is_file():
            shutil.copy(path, target)
    return target


def append(name: str, text: str) -> Callable[[Path], None]:
    def change(directory: Path) -> None:
        with (directory / name).open("a", encoding="utf-8") as file:
            file.write("\n" + text)

    return change


def remove(name: str) -> Callable[[Path], None]:
    return lambda directory: (directory / name).unlink()


def replace(name: str, old: str, new: str) -> Callable[[Path], None]:
    def change(directory: Path) -> None:
        text = (directory / name).read_text(encoding="utf-8")
        assert old in text
        (directory / name).write_text(text.replace(old, new), encoding="utf-8")

    return change


SCHEMA_ROW = '"coverage.follow", "deadline.expire", "head.anchor"'
BROKEN: dict[str, tuple[Callable[[Path], None], str]] = {
    "no guardrails": (remove("guardrails.cedar"), "no guardrails.cedar"),
    "no schema": (remove("schema.cedarschema"), "no schema.cedarschema"),
    "no table": (remove("four-eyes.toml"), "no four-eyes.toml"),
    "unfinished": (append("evidence.cedar", "permit (principal"), "does not fit"),
    "misspelt attribute": (
        append("evidence.cedar", GOOD.replace("resource)", "resource) when { resource.colour }")),
        "does not fit",
    ),
    "misspelt action": (append("evidence.cedar", GOOD.replace("anchor", "ancor")), "does not fit"),
    "no id": (append("evidence.cedar", GOOD.replace('@id("t.x")\n', "")), "@id"),
    "no reason": (append("evidence.cedar", GOOD.replace('@reason("Because.")\n', "")), "@reason"),
    "no code": (append("evidence.cedar", GOOD.replace("permit", "forbid")), "@code"),
    "foreign code": (
        append("evidence.cedar", GOOD.replace("permit", '@code("own")\nforbid')),
        "@code",
    ),
    "same id twice in a file": (append("evidence.cedar", GOOD + GOOD), "two policies"),
    "same id in two files": (
        append("auditing.cedar", GOOD.replace("t.x", "guard.recused")),
        "two policies",
    ),
    "template": (
        append("evidence.cedar", GOOD.replace("principal is Node", "principal == ?principal")),
        "templates",
    ),
    "permit among guardrails": (append("guardrails.cedar", GOOD), "forbids only"),
    "bad schema": (append("schema.cedarschema", "entity ;"), "not a Cedar schema"),
    "action gone from schema": (
        replace("schema.cedarschema", SCHEMA_ROW, '"head.anchor"'),
        "does not fit",
    ),
    "unknown type": (append("four-eyes.toml", "[decree]\nown_key = []"), "four-eyes.toml"),
    "table is no TOML": (append("four-eyes.toml", "["), "four-eyes.toml"),
    "table too weak": (
        replace("four-eyes.toml", 'approved_by = ["reviewer"]', "approved_by = []"),
        "second person",
    ),
}


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_broken_directory_is_refused(directory: Path, name: str) -> None:
    change, says = BROKEN[name]
    change(directory)
    with pytest.raises(PolicyError, match=says):
        load(directory)


def test_action_unknown_to_the_schema_is_refused(directory: Path) -> None:
    replace("schema.cedarschema", ', "task.list"', "")(directory)
    replace("officers.cedar", 'Action::"task.list"', 'Action::"me.read"')(directory)
    with pytest.raises(PolicyError, match=r"task\.list"):
        CedarDecider.from_directory(directory)


def test_missing_directory_and_wrong_encoding_are_refused(directory: Path, tmp_path: Path) -> None:
    with pytest.raises(PolicyError):
        load(tmp_path / "nowhere")
    (directory / "evidence.cedar").write_bytes(b"\xff\xfe")
    with pytest.raises(PolicyError):
        load(directory)


DECIDE_NOTHING = {"retention.toml": "how long bodies are kept: read by people, by no decision"}


@pytest.mark.parametrize(
    "name",
    sorted(p.name for p in POLICIES.iterdir() if p.is_file() and p.name not in DECIDE_NOTHING),
)
def test_digest_covers_every_byte_that_decides(directory: Path, name: str) -> None:
    before = load(directory).digest
    mark = "//" if "cedar" in name else "#"
    append(name, f"{mark} a remark\n")(directory)
    assert load(directory).digest != before


def test_digest_leaves_out_what_decides_nothing(directory: Path) -> None:
    before = load(directory).digest
    (directory / "notes.md").write_text("Remember the milk.", encoding="utf-8")
    for name in DECIDE_NOTHING:
        append(name, "# a remark\n")(directory)
    assert load(directory).digest == before == load(POLICIES).digest


def test_ministry_may_add_a_file_of_its_own(directory: Path) -> None:
    (directory / "local.cedar").write_text(GOOD, encoding="utf-8")
    assert "t.x" in CedarDecider.from_directory(directory).policies


def test_every_policy_is_a_sentence_and_every_forbid_has_a_code() -> None:
    for policy in load(POLICIES).policies.values():
        assert policy.reason[0].isupper()
        assert policy.reason.endswith(".")
        assert policy.code.startswith("policy.") is (policy.effect == "forbid")
