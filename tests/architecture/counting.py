"""Counts what shall fall: rows above records, long pieces, shared names, words of pages.

``python -m tests.architecture.counting`` prints what is above its limit in ``ratchets.toml``;
``--lower`` writes what has fallen, and raises nothing; ``--reset`` writes what is there, for whoever
answers for a rise.
"""

import ast
import re
import sys
import tomllib
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIMITS = Path(__file__).with_name("ratchets.toml")
NAMES = Path(__file__).with_name("names.toml")
SOURCES = sorted((ROOT / "api").rglob("*.py"))
BELOW = {"records", "wire", "tlog", "domain", "ports", "adapters"}
"""Rings in which a database row may be seen, or which know no database at all."""

ROW_WORDS = ('row["', "row.get(", "RowMapping")
LONGEST_FILE, LONGEST_FUNCTION, MANY_MODULES = 450, 50, 4
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
Limits = dict[str, dict[str, int]]
GROWING = {"CHANGELOG.md", "docs/cli.md", "docs/errors.md", "docs/policy.md"}
"""Pages that are made from the program or compared with it piece by piece: they grow as it does."""

UNREAD = re.compile(r"^(```|~~~).*?^\1|(?<=\])\([^)\s]*\)", re.MULTILINE | re.DOTALL)
"""Code blocks and the targets of links, which nobody reads as words."""

WORD = re.compile(r"\w+(?:['’./_:-]\w+)*")


def limits() -> Limits:
    """What the committed table allows, by count and then by file, word or name."""
    return tomllib.loads(LIMITS.read_text("utf-8"))


def shared_names() -> list[tuple[str, str, str]]:
    """Names that many modules of a folder may give to a function: name, folder, reason."""
    allowed = tomllib.loads(NAMES.read_text("utf-8"))["allowed"]
    return [(name, one["within"], one["reason"]) for one in allowed for name in one["names"]]


def counted(sources: Mapping[Path, str] | None = None) -> Limits:
    """Count now: only what is over the house's measure is in the tables."""
    texts = sources or {path: path.read_text("utf-8") for path in SOURCES}
    found: Limits = {"rows above records": dict.fromkeys(ROW_WORDS, 0)}
    found |= {"long files": {}, "long functions": {}, "names in many modules": {}}
    modules: dict[str, set[Path]] = defaultdict(set)
    for path, text in texts.items():
        place = str(path.relative_to(ROOT))
        if path.relative_to(ROOT).parts[1] not in BELOW:
            for word in ROW_WORDS:
                found["rows above records"][word] += text.count(word)
        if (lines := len(text.splitlines())) > LONGEST_FILE:
            found["long files"][place] = lines
        tree = ast.parse(text)
        for node in ast.walk(tree):
            if isinstance(node, FUNCTIONS) and (length := _length(node)) > LONGEST_FUNCTION:
                found["long functions"][f"{place}:{node.name}"] = length
        for node in tree.body:
            if isinstance(node, FUNCTIONS):
                modules[node.name].add(path)
    for name, folder, _ in shared_names():
        modules[name] = {path for path in modules[name] if not path.is_relative_to(ROOT / folder)}
    found["names in many modules"] = {
        name: len(paths) for name, paths in sorted(modules.items()) if len(paths) > MANY_MODULES
    }
    if sources is None:
        found["words of pages"] = page_words()
    return found


def page_words() -> dict[str, int]:
    """Words of all pages that people write, decision records apart from the others."""
    words = {"decision records": 0, "other pages": 0}
    for folder in ("*.md", "bench/*.md", "deploy/**/*.md", "docs/**/*.md"):
        for path in ROOT.glob(folder):
            if str(path.relative_to(ROOT)) not in GROWING:
                kind = "decision records" if path.parent.name == "decisions" else "other pages"
                words[kind] += len(WORD.findall(UNREAD.sub("", path.read_text("utf-8"))))
    return words


def _length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines without the docstring, which is never too long."""
    first = node.body[0]
    documented = ast.get_docstring(node) is not None
    docstring = (first.end_lineno or 0) - first.lineno + 1 if documented else 0
    return (node.end_lineno or 0) - node.lineno + 1 - docstring


def risen(now: Limits, allowed: Limits) -> list[str]:
    """Where a count is above what the table allows."""
    return [
        f"{table}: {name} is {count}, allowed {allowed.get(table, {}).get(name, 0)}"
        for table, counts in now.items()
        for name, count in counts.items()
        if count > allowed.get(table, {}).get(name, 0)
    ]


def lowered(now: Limits, allowed: Limits) -> Limits:
    """The table with every limit at what is there now, never above what it was."""
    return {
        table: {
            name: min(limit, now[table][name])
            for name, limit in entries.items()
            if now[table].get(name)
        }
        for table, entries in allowed.items()
    }


def written(table: Limits) -> str:
    lines = [
        "# Limits that only fall: python -m tests.architecture.counting --lower writes them.",
        "",
    ]
    for name, entries in table.items():
        lines += [f"['{name}']", *(f"'{key}' = {value}" for key, value in entries.items()), ""]
    return "\n".join(lines)


def main() -> int:
    """Print what is above its limit; write the limits anew when asked."""
    now = counted()
    print("\n".join(risen(now, limits())) or "nothing has risen")
    if "--lower" in sys.argv:
        LIMITS.write_text(written(lowered(now, limits())), "utf-8")
    if "--reset" in sys.argv:
        LIMITS.write_text(written(now), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
