"""``comity audit sample redraw``: an auditor draws a sample again from an export, without a node.

Owns the way from a verified export to the same entries that the node drew: the tree is built from
the export's own leaves up to the sample's head, so that nobody is believed about its root.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli import output
from api.cli.exits import ExitCode
from api.cli.profiles import CliContext
from api.domain.errors import Invalid
from api.wire.errors import WireError

_MOST = 1000


@dataclass(frozen=True, slots=True)
class _Drawing:
    """How a sample is drawn, and what a node says it drew, if one said so.

    Attributes:
        count: how many entries.
        seed: the auditor's text.
        start: first entry to draw from.
        end: entry after the last; None for the whole tree.
        acts: only events of these acts; empty for all.
        size: of the head whose root goes into the draw; None for the export's own.
        stated: root (hex) and entries that the node gave; None where none did.
    """

    count: int
    seed: str
    start: int
    end: int | None
    acts: frozenset[str]
    size: int | None = None
    stated: tuple[str, list[int]] | None = None


def redraw(
    context: CliContext,
    *,
    export: Annotated[
        Path, typer.Option(help="Export of the whole log, from entry 0.", exists=True)
    ],
    sample: Annotated[
        Path | None,
        typer.Option(help="Compare with this: what `audit sample show --json` printed."),
    ] = None,
    count: Annotated[int | None, typer.Option(min=1, max=_MOST, help="How many entries.")] = None,
    seed: Annotated[str, typer.Option(help="The text that went into the draw.")] = "",
    since: Annotated[int, typer.Option("--from", min=0, help="First entry.")] = 0,
    until: Annotated[int | None, typer.Option("--to", min=0, help="Entry after the last.")] = None,
    act: Annotated[list[str] | None, typer.Option(help="Only this act; may be repeated.")] = None,
    size: Annotated[
        int | None, typer.Option(min=1, help="Size of the log then; default: the export's.")
    ] = None,
) -> None:
    """Draw a sample again from an export, offline; with --sample, compare it with the node's.

    Exit code 3 when the node's sample is another one, or the export does not verify.

    Example: comity audit sample redraw --export audit.zip --count 25 --seed "7 June" --size 900
    """
    if sample is not None:
        drawing = _stated(sample)
    elif count is not None and seed:
        drawing = _Drawing(count, seed, since, until, frozenset(act or []), size)
    else:
        raise typer.BadParameter("give --sample, or --count and --seed")
    root, entries, acts = _drawn(export, drawing)
    same = drawing.stated is None or drawing.stated == (root, entries)
    document = {"root": root, "entries": entries, "same": same}
    rows = [{"index": index, "act": acts.get(index)} for index in entries]
    table = output.table(rows, [("LEAF", "index"), ("ACT", "act")])
    output.result(context, document, [f"root  {root}", *table])
    if drawing.stated is not None:
        output.talk("The node drew the same." if same else "The node's sample is another one.")
    if not same:
        raise typer.Exit(ExitCode.VERIFICATION_FAILED)


def _stated(path: Path) -> _Drawing:
    """Return how a saved sample was drawn.

    Raises:
        Invalid: ``sample.file``: it is no sample, or its entries were listed by hand.
    """
    try:
        found: dict[str, Any] = json.loads(path.read_bytes())
        rule = found["rule"]
        return _Drawing(
            int(rule["count"]),
            str(rule["seed"]),
            int(rule["from"]),
            int(rule["to"]),
            frozenset(rule["acts"]),
            int(found["size"]),
            (str(found["root"]), [int(one) for one in found["entries"]]),
        )
    except (ValueError, KeyError, TypeError):
        raise Invalid(
            "sample.file", "Give a drawn sample as `audit sample show --json` prints it."
        ) from None


def _drawn(export: Path, drawing: _Drawing) -> tuple[str, list[int], dict[int, str]]:
    """Return root, entries, and the acts of the events that the export tells.

    Raises:
        WireError: the export does not verify, or withholds what would tell.
        Invalid: ``sample.range``: it does not hold the tree that the sample is drawn from.
    """
    from api.cli.audit import checked_export
    from api.domain.sampling import draw
    from api.tlog.merkle import root_of

    held = checked_export(export, None)
    size = held["tree_size"] if drawing.size is None else drawing.size
    end = size if drawing.end is None else drawing.end
    if held["from"] != 0 or not drawing.start <= end <= size <= held["to"]:
        raise Invalid("sample.range", "Take an export from entry 0 to the sample's head or beyond.")
    if held["withheld"] and drawing.acts:
        raise WireError("export.filtered", "Take an export of the whole log: no --act, no --about.")
    leaves, acts = [], {}
    for index, leaf, told in _leaves(export):
        if index < size:
            leaves.append(leaf)
            acts[index] = told
    root = root_of(leaves)
    within = range(drawing.start, end)
    candidates = [index for index in within if not drawing.acts or acts[index] in drawing.acts]
    return root.hex(), draw(root, drawing.seed, candidates, drawing.count), acts


def _leaves(export: Path) -> Iterator[tuple[int, bytes, str]]:
    """Yield place, leaf hash and act of each line; no act where the event is not told."""
    from api.tlog.merkle import leaf_hash
    from api.wire.export.container import ExportFile
    from api.wire.export.lines import Disclosed, check_commitments, parse_line

    with export.open("rb") as source:
        data = b"".join(ExportFile(source).chunks("entries.jsonl"))
    for text in data.splitlines():
        line = parse_line(text)
        if not isinstance(line, Disclosed):
            yield line.index, bytes.fromhex(line.leaf), ""
            continue
        told = "" if line.event is None else str(json.loads(line.event)["act"])
        yield line.index, leaf_hash(check_commitments(line)), told
