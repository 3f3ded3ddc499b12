"""A dishonest member as a program of its own: ``python -m tests.support.bad_member …``.

It holds a member's true keys, keeps a log of its own, and sends one node the cells of the matrix over
HTTP (``tests/support/matrix.py``). For each it prints a line of JSON: ``type``, ``brought``,
``audience``, ``statement`` and the ``status`` of the receipt. It imports the tests' bad peer and shares
nothing with the node that it attacks.
"""

import argparse
import json
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
from typing_extensions import override

from api.adapters.crypto.keystore import FileKeystore
from tests.support.bad_peer import BadPeer
from tests.support.matrix import cells
from tests.support.signing import SealingMinistry


@dataclass(frozen=True)
class HeldMinistry(SealingMinistry):
    """A ministry that signs with the keys of a keystore."""

    keystore: FileKeystore | None = field(default=None, compare=False)

    @override
    def __post_init__(self) -> None:
        if self.keystore is not None:
            object.__setattr__(self, "records", self.keystore.public_keys())

    @override
    def sign(self, kid: str, data: bytes) -> bytes:
        assert self.keystore is not None
        return self.keystore.sign(kid, data)


def main() -> int:
    """Run as the command says."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.bad_member")
    for name in ("--keystore", "--passphrase-file", "--ministry", "--to", "--url"):
        parser.add_argument(name, required=True)
    parser.add_argument("--every", type=int, default=1, help="every so many cells")
    chosen = parser.parse_args()
    passphrase = Path(chosen.passphrase_file).read_text(encoding="utf-8").strip()
    keystore = FileKeystore.open(Path(chosen.keystore), lambda: passphrase)
    bad = BadPeer(HeldMinistry(chosen.ministry, keystore=keystore), chosen.to)
    with httpx2.Client(base_url=chosen.url, trust_env=False, timeout=60) as client:
        for cell in cells(bad, chosen.every):
            message = bad.deliver(cell.item, kind=cell.kind)
            answer = client.post("/peer/messages", content=message)
            while answer.status_code == httpx2.codes.TOO_MANY_REQUESTS:
                time.sleep(int(answer.headers["retry-after"]))
                answer = client.post("/peer/messages", content=message)
            told = {"type": cell.type_, "brought": cell.brought, "audience": cell.audience}
            said = {"status": answer.status_code, "said": answer.text[:200]}
            print(json.dumps({**told, "statement": cell.statement, **said}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
