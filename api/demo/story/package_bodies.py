"""Evidence packages from the facts: their bodies, and the acts that submit them.

Owns the way from a description and its exhibits to a body in the form of ``evidence-package/1``.
"""

import hashlib
from typing import Any

from api.demo import facts
from api.demo.door import OfficerAtNode
from api.demo.story.stage import Stage

_COLLECTED_BY = "the demonstration's authors"
_COLLECTED_ON = "2026-11-23"


def submit_package(stage: Stage, author: OfficerAtNode, package: str, description: str) -> str:
    """Store a package's exhibits, sign its manifest and submit it; returns its id.

    Args:
        stage: where it is played.
        author: an analyst.
        package: the story's name for it.
        description: name of its description among the facts.
    """
    body, contents = compose(description)
    for entry, content in zip(body["exhibits"], contents, strict=True):
        author.upload(f"store the exhibit {entry['label']}", content)
    stage.tell(author, f"stores the exhibits, {len(contents)} in number, each named by its SHA-256")
    return stage.submit(author, package, body)


def compose(name: str) -> tuple[dict[str, Any], list[bytes]]:
    """Return a package's body and the bytes of its exhibits, in order.

    Args:
        name: of the description, such as ``package-2020-07``.
    """
    description = facts.package(name)
    keys = {identifier: f"s{n}" for n, identifier in enumerate(description["subjects"], 1)}
    contents = [facts.exhibit(entry["label"]) for entry in description["exhibits"]]
    body = {
        **description,
        "subjects": [{"key": key, **facts.subject(one)} for one, key in keys.items()],
        "claims": [{**claim, "subject": keys[claim["subject"]]} for claim in description["claims"]],
        "exhibits": [
            _exhibit(entry, content)
            for entry, content in zip(description["exhibits"], contents, strict=True)
        ],
    }
    return body, contents


def _exhibit(entry: dict[str, Any], content: bytes) -> dict[str, Any]:
    return {
        **entry,
        "size": len(content),
        "digest": f"sha256:{hashlib.sha256(content).hexdigest()}",
        "source": facts.source(entry["source"]),
        "collected": {
            "by": _COLLECTED_BY,
            "at": _COLLECTED_ON,
            "how": "summarised from the public source for this demonstration",
        },
    }
