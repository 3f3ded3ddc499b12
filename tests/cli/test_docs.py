"""docs/cli.md lists every command, and its examples use options that exist."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from typer.main import get_command

from api.cli.main import app

TREE = get_command(app)
PAGE = (Path(__file__).resolve().parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")
EXAMPLE = re.compile(
    r"^### `(?P<name>comity[^`]*)`\n(?:[^#`].*\n|\n)*```sh\n(?P<line>.+)\n```$", re.MULTILINE
)


def leaves() -> Iterator[str]:
    def walk(command: object, name: str) -> Iterator[str]:
        children = getattr(command, "commands", None)
        if children is None:
            yield name
            return
        for child, below in children.items():
            yield from walk(below, f"{name} {child}")

    yield from walk(TREE, "comity")


def test_every_command_is_on_the_page_with_an_example_and_nothing_else() -> None:
    headings = re.findall(r"^### `(comity[^`]*)`$", PAGE, re.MULTILINE)
    assert sorted(headings) == sorted(leaves())
    assert sorted(headings) == sorted(found["name"] for found in EXAMPLE.finditer(PAGE))


def test_the_examples_parse() -> None:
    for found in EXAMPLE.finditer(PAGE):
        name, line = found["name"], found["line"]
        if name == "comity token":
            assert "$(comity --profile us token)" in line
            continue
        words = shlex.split(line.partition(" > ")[0].partition(" 3<")[0])
        path = name.split()[1:]
        assert words[0] == "comity"
        command: object = TREE
        for step in path:
            assert step in words
            command = command.commands[step]  # type: ignore[attr-defined]
        known = {option for each in command.params for option in each.opts + each.secondary_opts}  # type: ignore[attr-defined]
        used = {word for word in words if word.startswith("--")} - {"--profile"}
        assert used <= known, name
        required = {
            each.opts[0]
            for each in command.params  # type: ignore[attr-defined]
            if each.required and each.opts[0].startswith("--")
        }
        assert required <= used, name
