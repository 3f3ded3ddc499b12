"""nomenklatura's logic-v2 over given descriptions, by an interpreter that has it installed.

Imports nothing of ours: ``bench identity --peer PYTHON`` runs this file under that interpreter,
hands it subjects and candidates as JSON on standard input, and reads the milliseconds of processor
that each subject took against all candidates.
"""

import json
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any


def _entities(rows: Sequence[Sequence[Any]], prefix: str) -> Iterator[Any]:
    from followthemoney import EntityProxy

    for number, (schema, names, births, countries) in enumerate(rows):
        said = {"name": names, "birthDate": births, "country": countries}
        properties = {key: values for key, values in said.items() if values}
        if schema != "Person":
            properties.pop("birthDate", None)
        # Names are remembered by id alone, so no two descriptions may share one.
        told = {"id": f"{prefix}{number}", "schema": schema, "properties": properties}
        yield EntityProxy.from_dict(told)


def main() -> None:
    """Time each subject against all candidates."""
    from nomenklatura.matching import LogicV2

    asked = json.load(sys.stdin)
    subjects = list(_entities(asked["subjects"], "s"))
    candidates = list(_entities(asked["candidates"], "c"))
    config = LogicV2.default_config()
    for one in candidates:  # names are worked out once, as an index would have them
        LogicV2.compare(one, one, config)
    took = []
    for one in subjects:
        started = time.thread_time()
        for other in candidates:
            LogicV2.compare(one, other, config)
        took.append((time.thread_time() - started) * 1000)
    json.dump(took, sys.stdout)


if __name__ == "__main__":
    main()
