"""The `comity` command in the test process: its real entry point, with what it prints and its exit code.

comity = CommandLine(tmp_path)
result = comity("package", "list", profile="us-analyst", as_json=True)
assert result.code == 0
result.document["items"]
"""

import contextlib
import io
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from api.cli.main import main


@dataclass(frozen=True)
class Ended:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        (line,) = self.out.splitlines()
        return json.loads(line)

    @property
    def problem(self) -> dict[str, Any]:
        """The JSON problem on stderr, its last line."""
        found: dict[str, Any] = json.loads(self.err.splitlines()[-1])
        return found


@dataclass(frozen=True)
class CommandLine:
    """Runs commands with one home."""

    home: Path

    def __call__(
        self, *arguments: str | Path, profile: str | None = None, as_json: bool = False
    ) -> Ended:
        """Run one command; ``as_json`` puts ``--json`` behind it."""
        line = [] if profile is None else ["--profile", profile]
        line += [str(argument) for argument in arguments]
        line += ["--json"] if as_json else []
        out, err = io.StringIO(), io.StringIO()
        before = os.environ.get("COMITY_HOME")
        os.environ["COMITY_HOME"] = str(self.home)
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                code = main(line)
        finally:
            if before is None:
                del os.environ["COMITY_HOME"]
            else:
                os.environ["COMITY_HOME"] = before
        return Ended(int(code), out.getvalue(), err.getvalue())

    def approve(self, draft: str, profile: str, *, as_json: bool = False) -> Ended:
        """Read a draft's preview and approve the digest that it showed."""
        seen = self("draft", "preview", draft, profile=profile, as_json=True)
        if seen.code:
            return seen
        chosen = ("--digest", seen.document["digest"])
        return self("draft", "approve", draft, *chosen, profile=profile, as_json=as_json)

    def decide(
        self, group: str, act: str, thing: str, profile: str, *, as_json: bool = False
    ) -> Ended:
        """Read what is shown of a change and do the second officer's act on just that.

        Args:
            group: of commands, such as ``grant``.
            act: the command, such as ``approve``; ``preview`` stands beside it.
            thing: id of the change.
            profile: who decides.
            as_json: print JSON.
        """
        look = {
            "confirm-suspension": "preview-suspension",
            "approve-reinstatement": "preview-reinstatement",
        }
        seen = self(group, look.get(act, "preview"), thing, profile=profile, as_json=True)
        if seen.code:
            return seen
        chosen = ("--digest", seen.document["digest"])
        return self(group, act, thing, *chosen, profile=profile, as_json=as_json)
