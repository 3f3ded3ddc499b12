"""The command line in French: every heading and every fixed sentence has its French form."""

import ast
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from api.cli import main, output, tongue

CLI = Path(tongue.__file__).parent
MAIN = {"Error:", "decided by policy", "at", "set COMITY_DEBUG=1 for the trace", "Nothing to show."}


def said() -> set[str]:
    """Headings of tables, and constant sentences on stderr, out of the code."""
    found = set(MAIN)
    for path in CLI.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Tuple(elts=[ast.Constant(value=str() as head), _]) if (
                    head.isupper() and not head.startswith("COMITY_")
                ):
                    found.add(head)
                case ast.Call(
                    func=ast.Attribute(attr="talk"), args=[ast.Constant(value=str() as text)]
                ):
                    found.add(text)
    return found


def test_every_message_has_its_french():
    with tongue._CATALOGUE.open("rb") as file:
        known = {str(one.id) for one in read_po(file, locale="fr") if one.string}
    assert sorted(said() - known) == []


@pytest.mark.parametrize(
    ("variables", "chosen"),
    [
        ({}, "en"),
        ({"LANG": "fr_CA.UTF-8"}, "fr"),
        ({"LANG": "fr_CA.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "en_CA.UTF-8", "LC_MESSAGES": "fr"}, "fr"),
        ({"LC_ALL": "fr_FR", "COMITY_LANG": "en"}, "en"),
        ({"COMITY_LANG": "fr-CA", "LC_ALL": "C.UTF-8"}, "fr"),
        ({"LANG": "fry_NL"}, "en"),
    ],
)
def test_the_environment_chooses(monkeypatch, variables, chosen):
    for name in tongue._VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert tongue.language() == chosen


def test_tables_and_refusals_speak_french(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("COMITY_LANG", "fr")
    assert next(iter(output.table([], []))) == "Rien à afficher."
    rows = [{"ministry": "ca-gac"}]
    assert next(iter(output.table(rows, [("MINISTRY", "ministry")]))) == "MINISTÈRE"
    monkeypatch.setenv("COMITY_LANG", "en")
    assert next(iter(output.table([], []))) == "Nothing to show."
    capsys.readouterr()


def test_programs_are_answered_in_english(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("COMITY_LANG", "fr")
    monkeypatch.setenv("COMITY_HOME", str(tmp_path))
    with tongue.for_machines(as_json=True):
        assert tongue.accepted() == "en"
    assert tongue.accepted().startswith("fr")
    assert main.main(["--json", "whoami"]) != 0
    assert "Sign in first" in capsys.readouterr().err
    assert main.main(["whoami"]) != 0
    assert "Erreur" in capsys.readouterr().err
