"""What operators' commands share: the settings of the node on this machine.

Owns the reading of a settings file (``NAME=value`` lines, as systemd reads them) under what the
environment says. Needs no profile and no network.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from api.domain.errors import Invalid

if TYPE_CHECKING:
    from api.settings import Settings

SettingsFile = Annotated[
    Path | None,
    typer.Option(
        "--settings",
        help="Settings of the node, NAME=value lines; the environment has precedence.",
        exists=True,
        dir_okay=False,
    ),
]
PREFIX: Final = "COMITY_"


def read_lines(path: Path | None) -> dict[str, str]:
    """Return the settings of a file by name; empty for no file.

    Raises:
        Invalid: ``settings.malformed``; the line's number is named, never its content.
    """
    found: dict[str, str] = {}
    if path is None:
        return found
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        name, equals, value = text.partition("=")
        if not equals or not name.isidentifier():
            raise Invalid("settings.malformed", f"Line {number} of {path} is not NAME=value.")
        found[name] = value
    return found


def load_settings(
    path: Path | None = None, environment: Mapping[str, str] = os.environ
) -> "Settings":
    """Return the node's settings.

    Raises:
        Invalid: ``settings.malformed``, ``settings.incomplete``.
    """
    from pydantic import ValidationError

    from api.settings import Settings

    lines = read_lines(path)
    given = {
        name.removeprefix(PREFIX).lower(): value
        for name, value in lines.items()
        if name.startswith(PREFIX) and name not in environment
    }
    for name, value in lines.items():
        if not name.startswith(PREFIX):
            os.environ.setdefault(name, value)  # what libraries read, such as AWS_REGION
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        names = sorted({PREFIX + str(fault["loc"][0]).upper() for fault in error.errors()})
        raise Invalid(
            "settings.incomplete", f"Set these to proper values: {', '.join(names)}."
        ) from None
