"""The reference settings and the program's settings say the same."""

import re
from pathlib import Path

import pytest

from api.settings import Settings
from tests.support.deployment import DEPLOY

LINE = re.compile(r"(?P<off>#?)(?P<name>[A-Z0-9_]+)=(?P<value>.*)")
EXAMPLE = DEPLOY / "settings.env.example"
OTHERS = ("compose/common.env",)
# The units set this one themselves; it is needed everywhere else, so it has no default.
SET_BY_UNITS = {"COMITY_KEYSTORE_PASSPHRASE_FILE"}


def lines(path: Path) -> list[tuple[bool, str, str]]:
    found = (LINE.fullmatch(line) for line in path.read_text().splitlines())
    return [(bool(each["off"]), each["name"], each["value"]) for each in found if each]


def known() -> dict[str, str]:
    return {f"COMITY_{name.upper()}": name for name in Settings.model_fields}


def test_every_setting_is_explained_once_and_no_other() -> None:
    names = [name for _, name, _ in lines(EXAMPLE) if name.startswith("COMITY_")]
    assert sorted(names) == sorted(known())


def test_lines_are_what_every_reader_of_such_files_takes() -> None:
    for line in EXAMPLE.read_text().splitlines():
        assert line == "" or line.startswith("#") or LINE.fullmatch(line), line
        assert not line.endswith(" ")
    for off, name, value in lines(EXAMPLE):
        assert off or value, name
        assert not re.search(r"""["'\\]|\s#""", value), name


def test_every_setting_has_a_sentence_above_it() -> None:
    previous = ""
    for line in EXAMPLE.read_text().splitlines():
        if LINE.fullmatch(line):
            assert previous.startswith("# ") or LINE.fullmatch(previous), line
        previous = line


def test_commented_lines_show_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in known():
        monkeypatch.delenv(name, raising=False)
    required = {
        f"COMITY_{name.upper()}"
        for name, field in Settings.model_fields.items()
        if field.is_required()
    }
    shown = {name: value for off, name, value in lines(EXAMPLE) if off}
    active = {name: value for off, name, value in lines(EXAMPLE) if not off}
    assert required - set(active) == SET_BY_UNITS
    assert set(active) <= required
    for name, value in (active | {name: shown[name] for name in SET_BY_UNITS}).items():
        monkeypatch.setenv(name, value)
    by_default = Settings()
    for name in set(shown) - SET_BY_UNITS:
        if value := shown[name]:
            monkeypatch.setenv(name, value)
    assert Settings() == by_default
    for name in set(shown) - SET_BY_UNITS:
        if not shown[name]:
            assert not getattr(by_default, known()[name]), name


def test_the_example_names_no_real_digest_and_no_secret() -> None:
    values = {name: value for _, name, value in lines(EXAMPLE)}
    assert values["COMITY_MEMBERSHIP_DIGEST"] == "sha256:" + "0" * 64
    assert ":" not in values["COMITY_DATABASE_URL"].split("//", 1)[1]


@pytest.mark.parametrize("path", OTHERS)
def test_other_settings_files_use_known_names(path: str) -> None:
    found = lines(DEPLOY / path)
    assert found
    assert {name for _, name, _ in found} <= set(known())
