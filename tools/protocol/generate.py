"""Write the JSON Schemas of all statement bodies into ``docs/protocol/``.

Usage, from the root of the repository:

    python -m tools.protocol.generate            # write
    python -m tools.protocol.generate --check    # exit 1 if a committed schema differs
"""

import json
import sys
from pathlib import Path

from api.wire.bodies import json_schema
from api.wire.types import STATEMENT_TYPES

HERE = Path(__file__).resolve().parents[2] / "docs" / "protocol"


def rendered() -> dict[str, str]:
    """File name to file text, for every statement type of the protocol."""
    return {
        f"{type_.replace('/', '-')}.schema.json": json.dumps(
            json_schema(type_), indent=2, sort_keys=True
        )
        + "\n"
        for type_ in STATEMENT_TYPES
    }


def differences(folder: Path) -> list[str]:
    """Names of schema files in `folder` that are missing, stale or belong to no type."""
    wanted = rendered()
    present = {path.name: path.read_text("utf-8") for path in folder.glob("*.schema.json")}
    return sorted(name for name in wanted | present if wanted.get(name) != present.get(name))


def main(arguments: list[str]) -> int:
    """Write or check; returns the exit code."""
    if arguments == ["--check"]:
        stale = differences(HERE)
        for name in stale:
            print(f"differs from the models: {name}", file=sys.stderr)
        return 1 if stale else 0
    for name, text in rendered().items():
        (HERE / name).write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
