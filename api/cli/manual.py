"""``comity man`` and ``comity help``: manual page and help, made from the commands themselves.

Owns the way from the command tree to a page for man(1), in the macros of man(7). Nothing in it is
kept by hand: summaries, options and examples are those that ``--help`` shows.
"""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from api import __version__
from api.cli import output
from api.cli.commands import command
from api.cli.exits import ExitCode
from api.cli.files import write_new
from api.cli.profiles import CliContext
from api.domain.errors import NotFound

_EXAMPLE: Final = "Example: "


def register(app: typer.Typer) -> None:
    """Add the command; it describes the whole tree that ``app`` holds."""

    def man(
        context: CliContext,
        *,
        out: Annotated[Path | None, typer.Option(help="File to write; default: stdout.")] = None,
    ) -> None:
        """Write the manual page of all commands.

        Example: comity man --out /usr/local/share/man/man1/comity.1
        """
        from typer.main import get_command

        page = "\n".join(lines(get_command(app))) + "\n"
        if out is not None:
            write_new(out, page.encode())
        shown = {"out": None if out is None else str(out), "page": page}
        output.result(context, shown, [f"{out}: written."] if out else page.splitlines())

    def help_(
        context: CliContext,
        words: Annotated[
            list[str] | None, typer.Argument(metavar="[COMMAND]...", help="Such as package build.")
        ] = None,
    ) -> None:
        """Show how a command is used; without one, all there are.

        Example: comity help package build
        """
        from typer.main import get_command

        text = _help_of(get_command(app), words or [])
        output.result(context, {"help": text}, text.splitlines())

    command(app, "man")(man)
    command(app, "help")(help_)


def _help_of(root: Any, words: list[str]) -> str:
    """Return what ``--help`` behind these words prints.

    Raises:
        NotFound: ``command.unknown``, with the nearest names.
    """
    found, context = root, typer.Context(root, info_name="comity", **root.context_settings)
    for word in words:
        children = getattr(found, "commands", {})
        if word not in children:
            near = get_close_matches(word, children, n=3)
            meant = f" Did you mean {', '.join(near)}?" if near else ""
            raise NotFound("command.unknown", f"There is no such command.{meant}")
        found = children[word]
        context = typer.Context(found, parent=context, info_name=word)
    return str(found.get_help(context))


def lines(root: Any) -> Iterator[str]:
    """Yield the page of a command tree.

    Args:
        root: Typer's root group.
    """
    yield f'.TH COMITY 1 "" "comity {__version__}" "Comity"'
    yield ".SH NAME"
    yield _manual_text(f"comity - {_first(root.help)}")
    yield ".SH SYNOPSIS"
    yield ".B comity"
    yield _manual_text("[--profile NAME] [--json] COMMAND ...")
    yield ".SH OPTIONS"
    yield from _options(root)
    yield ".SH COMMANDS"
    for name, leaf in leaves(root, "comity"):
        yield from _command(name, leaf)
    yield ".SH EXIT STATUS"
    for code in ExitCode:
        yield from (".TP", f".B {code.value}", _manual_text(code.name.lower().replace("_", " ")))
    yield ".SH ENVIRONMENT"
    for name, said in (
        ("COMITY_PROFILE", "The profile, where --profile is not given."),
        ("COMITY_HOME", "Folder of profiles and keys."),
        ("COMITY_DEBUG", "Set to 1, an unexpected error shows where it came from."),
    ):
        yield from (".TP", f".B {name}", _manual_text(said))


def leaves(found: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Yield every command with its full name, by name."""
    children = getattr(found, "commands", None)
    if children is None:
        yield name, found
        return
    for child in sorted(children):
        yield from leaves(children[child], f"{name} {child}")


def _command(name: str, leaf: Any) -> Iterator[str]:
    arguments = [each for each in leaf.params if each.param_type_name == "argument"]
    words = [str(each.name).upper().replace("_", "-") for each in arguments]
    yield ".SS " + _manual_text(" ".join([name, *words]))
    example = ""
    for paragraph in _paragraphs(leaf.help or ""):
        if paragraph.startswith(_EXAMPLE):
            example = paragraph.removeprefix(_EXAMPLE)
            continue
        yield from (_manual_text(paragraph), ".PP")
    for each, word in zip(arguments, words, strict=True):
        yield from (
            ".TP",
            f".I {_manual_text(word)}",
            _manual_text(getattr(each, "help", None) or "Needed."),
        )
    yield from _options(leaf)
    if example:
        yield from (".PP", "Example:", ".PP", ".RS", ".EX", _manual_text(example), ".EE", ".RE")


def _options(found: Any) -> Iterator[str]:
    for each in found.params:
        if each.param_type_name != "option" or getattr(each, "hidden", False):
            continue
        names = ", ".join([*each.opts, *each.secondary_opts])
        needed = " (needed)" if each.required else ""
        yield from (
            ".TP",
            f".B {_manual_text(names)}",
            _manual_text((each.help or "See above.") + needed),
        )


def _paragraphs(text: str) -> Iterable[str]:
    return [" ".join(part.split()) for part in text.split("\n\n") if part.strip()]


def _first(text: str | None) -> str:
    return (text or "").strip().splitlines()[0].rstrip(".")


def _manual_text(text: str) -> str:
    """Return text that troff takes as text: no escape, no request, hyphens that can be copied."""
    plain = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{plain}" if plain.startswith((".", "'")) else plain
