"""A set whose guardrail does not guard is refused before a node starts with it, in a sentence."""

import re
import shutil
from pathlib import Path

import pytest

from api.adapters.policy.cedar import CedarDecider
from api.adapters.policy.examples import try_guardrails
from api.adapters.policy.loading import PolicyError, load
from tests.policies.cases import POLICIES
from tests.support.campaigns import long

GUARDS = re.findall(r'@id\("(guard\.[a-z-]+)"\)', (POLICIES / "guardrails.cedar").read_text())


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(POLICIES, tmp_path / "policies"))


def tried(directory: Path) -> None:
    decider = CedarDecider.from_directory(directory)
    try_guardrails(decider, decider.four_eyes, directory, POLICIES)


def edit(directory: Path, guard: str, change: str) -> None:
    """Change one guardrail: ``defeat`` adds a condition that never holds, ``drop`` removes it."""
    file = directory / "guardrails.cedar"
    text = file.read_text()
    start = text.index(f'@id("{guard}")')
    end = text.index(";", text.index("\nforbid", start)) + 1
    policy = text[start:end]
    changed = "" if change == "drop" else policy.removesuffix(";") + "\nwhen { false };"
    file.write_text(text[:start] + changed + text[end:])


def test_the_shipped_set_passes_and_so_does_a_copy(copy: Path) -> None:
    tried(POLICIES)
    tried(copy)
    shutil.rmtree(copy / "cases")
    tried(copy)


@pytest.mark.parametrize("change", ["defeat", *long("drop")])
@pytest.mark.parametrize("guard", GUARDS)
def test_a_guardrail_that_does_not_guard_is_named_with_its_example(
    copy: Path, guard: str, change: str
) -> None:
    edit(copy, guard, change)
    weak = CedarDecider.from_directory(copy)
    with pytest.raises(PolicyError) as caught:
        try_guardrails(weak, weak.four_eyes, copy, POLICIES)
    assert f"The policy {guard} does not guard: example " in caught.value.message
    assert "cases/guardrails.toml" in caught.value.message
    # Nobody weakens a guardrail together with its examples.
    shutil.rmtree(copy / "cases")
    with pytest.raises(PolicyError, match=guard):
        try_guardrails(weak, weak.four_eyes, copy, POLICIES)


def test_a_defeated_condition_is_found(copy: Path) -> None:
    file = copy / "guardrails.cedar"
    text = file.read_text()
    defeated = text.replace(
        "when { resource.authors.contains(principal.person) };",
        "when { false && resource.authors.contains(principal.person) };",
    )
    assert defeated != text
    file.write_text(defeated)
    with pytest.raises(PolicyError, match=r"guard\.own-work"):
        tried(copy)


def test_a_misspelt_attribute_is_named(copy: Path) -> None:
    file = copy / "guardrails.cedar"
    file.write_text(file.read_text().replace("principal.active", "principal.activ", 1))
    with pytest.raises(PolicyError) as caught:
        load(copy)
    assert caught.value.code == "policy.unusable"
    assert "activ" in caught.value.message
    assert "guardrails.cedar" in caught.value.message


def test_a_stricter_set_is_no_fault(copy: Path) -> None:
    (copy / "local.cedar").write_text(
        '@id("local.no-one-lists")\n@code("policy.no-list")\n@reason("Not here.")\n'
        'forbid (principal is Officer, action == Action::"package.list", resource);\n'
    )
    tried(copy)


def test_malformed_examples_are_refused(copy: Path) -> None:
    file = copy / "cases" / "guardrails.toml"
    file.write_text(file.read_text() + '\n[[case]]\npolicy = "guard.own-work"\n')
    with pytest.raises(PolicyError, match="is malformed"):
        tried(copy)
