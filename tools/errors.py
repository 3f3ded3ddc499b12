"""Write the list of stable refusal codes from the code that raises them.

Usage, from the root of the repository:

    python -m tools.errors            # write docs/errors.md
    python -m tools.errors --check    # exit 1 if the committed page differs

Read by syntax alone, so nothing is imported to look at it. A code is found where a refusal class,
or a function whose name ends in ``refuse``, is called with it; in a table that pairs codes with
sentences; where a module hands it to whoever raises it; and as ``@code`` of a policy.
"""

import ast
import functools
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from api.cli.exits import exit_of
from api.domain import errors
from api.domain.audit_export import ExportRefused
from api.domain.events import Act
from api.ports.policy import Action
from api.tlog.errors import LogError
from api.web.problems import status_of
from api.wire.errors import WireError

ROOT: Final = Path(__file__).resolve().parents[1]
PAGE: Final = ROOT / "docs" / "errors.md"
COMMAND: Final = "python -m tools.errors"

_CODE: Final = re.compile(r"[a-z][a-z0-9-]*(\.[a-z0-9…-]+)+|equivocation|internal")
_CLASSES: Final[dict[str, type[errors.ComityError | WireError | LogError]]] = {
    each.__name__: each
    for each in (
        errors.NotSignedIn,
        errors.Refused,
        errors.NotFound,
        errors.Conflict,
        errors.Stale,
        errors.TooLarge,
        errors.Invalid,
        errors.Full,
        errors.TooMany,
        errors.Unavailable,
        ExportRefused,
        WireError,
        LogError,
    )
}
_EXPLAINED: Final = {
    "NotSignedIn": "no valid access token, or not one for this node",
    "Refused": "the policy, or the protocol, says no to this caller",
    "NotFound": "absent, or the caller may not know that it is there",
    "Conflict": "contradicts the present state",
    "Stale": "it changed since the caller looked",
    "TooLarge": "over a published limit",
    "Invalid": "wrong in itself",
    "Full": "no room; nothing was stored",
    "TooMany": "the caller's own allowance is used up; `Retry-After` says until when",
    "Unavailable": "something needed cannot be reached now",
    "ExportRefused": "an audit export does not verify, or would not",
    "WireError": "bytes that are not what they claim to be",
    "LogError": "a log, checkpoint or proof that does not hold",
}
_HEAD: Final = """# Refusal codes

Made by `python -m tools.errors` from the code; a test wants no difference.

Every refusal carries a stable code. Over HTTP it is the member `code` of a problem document (RFC
9457); from the command line with `--json` it is `code` on standard error; between ministries it is
the `code` of a disposition; in the log it is the `code` of the event. A code never gets another
meaning. The sentences may improve; nobody should parse them. `…` stands for a part that depends on
the case.

## Classes

| class | HTTP | exit | means |
|---|--:|--:|---|
"""
_BELOW: Final = """
Where a decision is made as a value (`decision` below), the caller turns it into one of the classes,
or sends it to the partner as a disposition. A `finding` is what an examination reports: nothing is
refused. Some codes have an HTTP status of their own, which the table gives.

## Codes

"""


@dataclass(slots=True)
class Code:
    """One code: the classes that carry it, its sentences, the modules it comes from."""

    kinds: set[str] = field(default_factory=set)
    sentences: set[str] = field(default_factory=set)
    places: set[str] = field(default_factory=set)


_HANDED_ON: Final = {
    "wire": "WireError",
    "tlog": "LogError",
    "ports/policy.py": "Refused",
    "web/problems.py": "HTTP",
    "app.py": "HTTP",
    "cli/exits.py": "CLI",
}
_DEPENDS: Final = {
    "checkpoint.size": "the tree size is no plain decimal",
    "file.unusable": "A file cannot be read or written; the system's reason follows.",
    "key.malformed": "The key is not of the form that its purpose asks for.",
    "label.unsafe": "A label holds a path, control or bidirectional characters, or is too long.",
    "leaf.opening": "The opening of a leaf is not of the documented form.",
    "membership.malformed": "The membership file is not of the documented form.",
    "message.epoch": "The change of epoch is not of the documented form.",
    "message.exhibit-range": "The request for a range is not of the documented form.",
    "message.items": "The items are not of the documented form.",
    "message.malformed": "The message is not of the documented form.",
    "message.receipt": "The receipt is not of the documented form.",
    "message.request": "The request is not exactly a message and its evidence.",
    "method.not-allowed": "This address does not answer to this method.",
    "policy.evaluation-error": "The policies could not be evaluated, which is a refusal.",
    "policy.no-permit": "No policy permits this.",
    "query.malformed": "The query cannot be read.",
    "statement.members": "The statement has a member too many, or lacks one.",
}
"""What is said where the code's own sentence is made up of the case at hand."""

_OTHER_NAMES: Final = {*map(str, Act), *map(str, Action), "policy.permitted", "webauthn.get"}
_FILE: Final = re.compile(r"\.(json|jsonl|csv|tlog-proof|sha256|txt|md|py|zip)$")

Found = tuple[str, str, str | None]
"""Code, kind (empty: only a sentence), sentence."""
Names = dict[str, dict[str, str]]
"""By module: its constants that hold codes."""


@functools.cache
def codes() -> dict[str, Code]:
    """Return every code of the program and of its policies, sorted."""
    trees = {path: ast.parse(path.read_text("utf-8")) for path in sorted(_sources())}
    constants = {_module(path): dict(_constants(tree)) for path, tree in trees.items()}
    found: dict[str, Code] = {}
    for path, tree in trees.items():
        names = {**dict(_imported(tree, constants)), **constants[_module(path)]}
        at = path.relative_to(ROOT / "api")
        for code, kind, sentence in [*_in_module(tree, names), *_passed_on(tree, at)]:
            _note(found, code, kind, sentence, at)
    for path in sorted((ROOT / "policies").glob("*.cedar")):
        for code, sentence in _in_policy(path.read_text("utf-8")):
            _note(found, code, "Refused", sentence, path.relative_to(ROOT))
    return {code: _plain(entry) for code, entry in sorted(found.items()) if entry.kinds - {""}}


def _plain(entry: Code) -> Code:
    """Name the class where there is one, and how it is handed on only where there is none."""
    entry.kinds -= {""}
    if entry.kinds & set(_CLASSES):
        entry.kinds -= {"HTTP", "CLI"}
    return entry


def _sources() -> Iterator[Path]:
    return (ROOT / "api").rglob("*.py")


def _module(path: Path) -> str:
    """Return the dotted name of a source file."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def _note(found: dict[str, Code], code: str, kind: str, sentence: str | None, at: Path) -> None:
    entry = found.setdefault(code, Code())
    entry.kinds.add(kind)
    if kind:
        entry.places.add(str(at))
    if sentence:
        entry.sentences.add(sentence)


def _constants(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield the module's constants that hold a code, with the code."""
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
            value = _text(node.value, {})
            if isinstance(target, ast.Name) and value is not None and _CODE.fullmatch(value):
                yield target.id, value


def _imported(tree: ast.Module, known: Names) -> Iterator[tuple[str, str]]:
    """Yield the codes that a module imports by name, or by the name of their module."""
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            for each in node.names:
                name = each.asname or each.name
                if each.name in known.get(node.module, {}):
                    yield name, known[node.module][each.name]
                for constant, code in known.get(f"{node.module}.{each.name}", {}).items():
                    yield f"{name}.{constant}", code


def _in_module(tree: ast.Module, constants: dict[str, str]) -> Iterator[Found]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from _in_call(node, constants)
        elif isinstance(node, ast.Tuple):
            yield from _in_tuple(node, constants)
        elif isinstance(node, ast.Dict):
            yield from _in_table(node, constants)


def _passed_on(tree: ast.Module, at: Path) -> Iterator[Found]:
    """Find codes that a module hands to whoever raises them, or keeps in a table by status."""
    kind = _HANDED_ON.get(at.parts[0]) or _HANDED_ON.get(str(at))
    if kind is None:
        return
    for node in ast.walk(tree):
        code = _text(node, {}) if isinstance(node, ast.Constant) else None
        if code and _CODE.fullmatch(code) and code not in _OTHER_NAMES and not _FILE.search(code):
            yield code, kind, None


def _in_call(node: ast.Call, constants: dict[str, str]) -> Iterator[Found]:
    name = getattr(node.func, "id", getattr(node.func, "attr", ""))
    texts = [_text(each, constants) for each in node.args]
    at = next((n for n, text in enumerate(texts) if text and _CODE.fullmatch(text)), None)
    if at is None or (at > 1 and name != "problem"):
        return
    code = texts[at] or ""
    sentence = next((text for text in texts[at + 1 :] if text and " " in text), None)
    if name in _CLASSES:
        yield code, name, sentence
    elif name.endswith(("refuse", "refusal")):
        yield code, "NotSignedIn" if code.startswith("token.") else "decision", sentence
    elif name == "problem":
        yield code, "HTTP", sentence
    elif code.startswith("fsck."):
        yield code, "finding", sentence


def _in_tuple(node: ast.Tuple, constants: dict[str, str]) -> Iterator[Found]:
    """Find ``(…, code, sentence)``, a line of a table of checks."""
    texts = [_text(each, constants) for each in node.elts[-2:]]
    if len(texts) == 2 and all(texts) and _CODE.fullmatch(texts[0] or "") and " " in str(texts[1]):
        yield str(texts[0]), "decision", texts[1]


def _in_table(node: ast.Dict, constants: dict[str, str]) -> Iterator[Found]:
    """Find ``{code: sentence}``; the class comes from where the code is raised."""
    for key, value in zip(node.keys, node.values, strict=True):
        code, sentence = _text(key, constants), _text(value, constants)
        if code and sentence and _CODE.fullmatch(code) and " " in sentence:
            yield code, "", sentence


def _text(node: ast.AST | None, constants: dict[str, str]) -> str | None:
    """Return a string expression's text, with ``…`` for what is computed."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part, constants) or "…" for part in node.values)
    if isinstance(node, ast.Name):
        return constants.get(node.id)
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return constants.get(f"{node.value.id}.{node.attr}")
    return None


def _in_policy(text: str) -> Iterator[tuple[str, str]]:
    pattern = r'@code\("([^"]+)"\)\s*@reason\("([^"]+)"\)'
    for found in re.finditer(pattern, text):
        yield found[1], found[2]


def rendered() -> str:
    """Return the page."""
    classes = "".join(
        f"| `{name}` | {_status(name, 'x.y')} | {int(exit_of(_made(name, 'x.y')))} | {told} |\n"
        for name, told in _EXPLAINED.items()
    )
    lines = ["| code | class | HTTP | says | from |", "|---|---|--:|---|---|"]
    for code, entry in codes().items():
        kinds = sorted(kind for kind in entry.kinds if kind)
        statuses = sorted({_status(kind, code) for kind in kinds if kind in _CLASSES})
        sentences = sorted(entry.sentences) or [_DEPENDS.get(code, "…")]
        says = "<br>".join(_cell(each) for each in sentences)
        places = ", ".join(f"`{place}`" for place in sorted(entry.places))
        lines.append(
            f"| `{code}` | {', '.join(kinds)} | {', '.join(statuses)} | {says} | {places} |"
        )
    return _HEAD + classes + _BELOW + "\n".join(lines) + "\n"


def _made(kind: str, code: str) -> errors.ComityError | WireError | LogError:
    return _CLASSES[kind](code, "")


def _status(kind: str, code: str) -> str:
    return str(status_of(_made(kind, code)))


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", "\\|").replace("<", "&lt;").strip()


def main(arguments: list[str]) -> int:
    """Write or check; returns the exit code."""
    text = rendered()
    if arguments == ["--check"]:
        same = PAGE.exists() and PAGE.read_text(encoding="utf-8") == text
        if not same:
            print(f"docs/errors.md is not what the code says; run: {COMMAND}", file=sys.stderr)
        return 0 if same else 1
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
