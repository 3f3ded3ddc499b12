"""Bodies of evidence packages from the facts beside them.

Owns the way from a description and its exhibits to a body in the form of ``evidence-package/1``;
must not sign or send.
"""

import hashlib
from typing import Any

from api.demo import facts

_COLLECTED_BY = "the demonstration's authors"
_COLLECTED_ON = "2026-11-23"


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
