"""Templates are forms that can be filled in, and what is wrong in one is said by line."""

import json
import re
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from api.adapters.crypto.officer_key import OfficerKey
from api.cli import main as program
from api.cli import templates
from api.cli.build import Preparer, build_package
from api.cli.package_files import new, unpack
from api.cli.profiles import CliContext
from api.cli.toml_forms import places
from api.domain.errors import Conflict
from api.wire.body_faults import body_faults
from api.wire.types import STATEMENT_TYPES

TREE = typer.main.get_command(program.app)
FORMS = {
    "evidence-package/1": templates.PACKAGE,
    "designation-proposal/1": templates.PROPOSAL,
    "designation/1": templates.DESIGNATION,
    "designation-amendment/1": templates.AMENDMENT,
    "mirror-request/1": templates.REQUEST,
}


def uncommented(text: str) -> str:
    """The template with its optional members switched on."""
    return re.sub(r"^# (?=[a-z_]+ = |\[\[case_facts)", "", text, flags=re.MULTILINE)


@pytest.mark.parametrize("type_", FORMS)
def test_a_template_knows_only_members_of_its_type(type_: str) -> None:
    for text in (FORMS[type_], uncommented(FORMS[type_])):
        body = tomllib.loads(text)
        faults = body_faults(type_, json.loads(json.dumps(body, default=str)))
        assert [one.place for one in faults if one.unknown] == []


@pytest.mark.parametrize("type_", FORMS)
def test_a_template_names_commands_and_options_that_exist(type_: str) -> None:
    named = re.findall(r"comity ([a-z][^\n]*)", FORMS[type_])
    assert named
    for line in named:
        found: Any = TREE
        words = line.split()
        while getattr(found, "commands", None):
            found = found.commands[words.pop(0)]
        options = {option for parameter in found.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= options, line
        needed = {one.opts[0] for one in found.params if one.required and "--" in one.opts[0]}
        assert needed <= {*words} or not any("--" in word for word in words), line


@pytest.mark.parametrize("type_", FORMS)
def test_a_form_is_asked_for_by_its_type_or_one_word(type_: str, tmp_path: Path) -> None:
    name = type_.partition("/")[0]
    for number, word in enumerate((name, name.rpartition("-")[2])):
        out = tmp_path / f"{number}.toml"
        assert program.main(["draft", "template", word, "--out", str(out)]) == 0
        assert out.read_text("utf-8") == FORMS[type_]


@pytest.mark.parametrize("type_", FORMS)
def test_a_template_names_every_required_member(type_: str) -> None:
    body = tomllib.loads(FORMS[type_])
    required = {
        field.alias or name
        for name, field in STATEMENT_TYPES[type_].body.model_fields.items()
        if field.is_required()
    }
    given = set(body) | {"exhibits", "designation"}
    assert required - given == set()


def test_a_package_from_nothing_to_unpacked(tmp_path: Path) -> None:
    folder = tmp_path / "evidence"
    (folder / "scans").mkdir(parents=True)
    (folder / "Order.txt").write_bytes(b"order")
    (folder / "scans" / "order.txt").write_bytes(b"another")
    form = tmp_path / "package.toml"
    context = CliContext(home=tmp_path, profile_name=None, json=False)
    new(context, folder, out=form)
    with pytest.raises(Conflict):
        new(context, folder, out=form)
    text = form.read_text("utf-8")
    for member in ("title", "summary", "exculpatory", "legal_basis", "act", "ground", "source"):
        text = re.sub(rf'^{member} = ""', f'{member} = "Some {member}."', text, flags=re.MULTILINE)
    text = re.sub(r'^kind = ""', 'kind = "official-record"', text, flags=re.MULTILINE)
    text = text.replace("exhibits = []", 'exhibits = ["Order.txt"]')
    form.write_text(text, "utf-8")
    key = OfficerKey.create(tmp_path / "officer.key") or OfficerKey.open(tmp_path / "officer.key")
    signer = Preparer(key, key.named("https://id.example", "analyst-1", "analyst"), "us-treasury")
    built = build_package(folder, form, tmp_path / "case.comity", signer)
    unpack(context, built.path, into=tmp_path / "out")
    found = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert found == {"Order.txt": b"order", "order (2).txt": b"another"}
    with pytest.raises(Conflict):
        unpack(context, built.path, into=tmp_path / "out")


def test_a_damaged_package_is_not_unpacked(tmp_path: Path) -> None:
    test_a_package_from_nothing_to_unpacked(tmp_path)
    path = tmp_path / "case.comity"
    with zipfile.ZipFile(path) as archive:
        place = archive.infolist()[1].header_offset + 120
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(bytes(data))
    context = CliContext(home=tmp_path, profile_name=None, json=False)
    with pytest.raises(Exception, match=r"container|exhibit"):
        unpack(context, path, into=tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_lines_of_nested_tables() -> None:
    found = places(
        'title = "a"\n[[grounds]]\nground = "x"\n[grounds.threshold]\nmet = true\n'
        '[[grounds]]\nground = "y"\n[grounds.threshold]\nmet = false\n'
    )
    assert found[("title",)] == 1
    assert found[("grounds", 0, "ground")] == 3
    assert found[("grounds", 0, "threshold", "met")] == 5
    assert found[("grounds", 1, "ground")] == 7
    assert found[("grounds", 1, "threshold", "met")] == 9


@given(st.text(max_size=200))
def test_any_text_has_places(text: str) -> None:
    assert all(
        1 <= line <= text.count("\n") + len(text.splitlines()) + 1 for line in places(text).values()
    )
