"""The independent FollowTheMoney package as a judge of entities.

taken = judged_entities(folder, entities)    # by id; what it cannot take is not there
"""

import json
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.support.foreign import oracle


def judged_entities(folder: Path, entities: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """What the foreign package makes of these entities, by id; it drops what it cannot take."""
    path, out = folder / "judge.ftm.json", folder / "judged.json"
    path.write_text("".join(f"{json.dumps(one)}\n" for one in entities), encoding="utf-8")
    command = [oracle("ftm"), "validate", "-i", str(path), "-o", str(out)]
    done = subprocess.run(command, check=False, capture_output=True, timeout=120)
    if done.returncode:
        return {}
    return {one["id"]: one for one in map(json.loads, out.read_text("utf-8").splitlines())}
