"""Asks aics-tlog (Python 3.12 or newer) for verdicts; run by another interpreter.

Reads one JSON object from standard input and writes one to standard output, so that the two
programs share nothing but the bytes under judgement.
"""

import base64
import json
import sys

from aics_tlog import (
    MemoryTileReader,
    TileMissingError,
    TileVerificationError,
    audit_tiles,
    parse_note,
    parse_vkey,
    verify_checkpoint,
    verify_consistency,
    verify_leaf_inclusion,
)


def unpack(items: list[str]) -> list[bytes]:
    return [base64.b64decode(item) for item in items]


def judge(case: dict) -> bool:
    match case["what"]:
        case "checkpoint":
            (note,) = unpack([case["note"]])
            witnesses = [parse_vkey(text) for text in case["witnesses"]]
            result = verify_checkpoint(
                parse_note(note), parse_vkey(case["log"]), witnesses, case["quorum"]
            )
            return bool(result.ok)
        case "inclusion":
            entry, root = unpack([case["entry"], case["root"]])
            return verify_leaf_inclusion(
                entry, case["index"], case["size"], unpack(case["proof"]), root
            )
        case "consistency":
            old_root, root = unpack([case["old_root"], case["root"]])
            return verify_consistency(
                case["old"], case["size"], old_root, root, unpack(case["proof"])
            )
        case "tiles":
            (root,) = unpack([case["root"]])
            tiles = {path: base64.b64decode(data) for path, data in case["tiles"].items()}
            audit_tiles(MemoryTileReader(tiles), case["size"], root)
            return True
    raise SystemExit(2)


def verdict(case: dict) -> bool:
    try:
        return judge(case)
    except (ValueError, TileMissingError, TileVerificationError):
        return False


json.dump([verdict(case) for case in json.load(sys.stdin)], sys.stdout)
