"""FollowTheMoney entities of a node in a folder: one a line, with an index of the data set.

Owns the form of the folder; which entities, is the command's.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from api.cli import files, output
from api.cli.client import Api
from api.cli.profiles import CliContext
from api.domain.errors import Conflict

_EACH: Final = 500


@dataclass(frozen=True, slots=True)
class EntityFile:
    """A file of entities that was written: its name, size, SHA-1 and how many it holds."""

    name: str
    size: int
    checksum: str
    count: int

    def index(self, dataset: str, title: str, **members: Any) -> dict[str, Any]:
        """Describe the data set as catalogues of FollowTheMoney data do."""
        return {
            "name": dataset,
            "title": title,
            **members,
            "entity_count": self.count,
            "resources": [
                {
                    "name": self.name,
                    "path": self.name,
                    "size": self.size,
                    "checksum": self.checksum,
                    "mime_type": "application/json+ftm",
                }
            ],
        }


def write_entities(api: Api, path: str, out: Path) -> tuple[dict[str, Any], EntityFile]:
    """Write all entities of an address into a folder to be made; returns its last page too.

    Raises:
        Conflict: ``file.exists``.
    """
    if out.exists():
        raise Conflict("file.exists", f"{out} is there already.")
    page = api.get(path, limit=_EACH)
    out.mkdir()
    name = "entities.ftm.json"
    digest, count = hashlib.sha1(usedforsecurity=False), 0
    with files.appearing(out / name) as temporary, temporary.open("wb") as target:
        while True:
            for entity in page["entities"]:
                line = json.dumps(entity, ensure_ascii=False).encode() + b"\n"
                digest.update(line)
                target.write(line)
            count += len(page["entities"])
            if not page["more"]:
                break
            page = api.get(path, limit=_EACH, after=page["more"])
    size = (out / name).stat().st_size
    return page, EntityFile(name, size, digest.hexdigest(), count)


def tell(context: CliContext, out: Path, index: dict[str, Any]) -> None:
    """Write the index beside the entities and say what was written."""
    written = json.dumps({"datasets": [index]}, ensure_ascii=False, indent=2) + "\n"
    files.write_new(out / "index.json", written.encode())
    path = out / index["resources"][0]["name"]
    told = f"{index['entity_count']} entities of {index['title']}: {path}."
    output.result(context, index, [told])
