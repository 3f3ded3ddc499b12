"""A dishonest member as a program of its own: ``python -m tests.support.bad_member …``.

It holds a member's true keys, keeps a log of its own, and sends one node statements to wrong audiences
over HTTP. For each it prints a line of JSON: ``type``, ``audience``, ``statement`` and the ``status``
of the receipt. It imports the tests' bad peer and shares nothing with the node that it attacks.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
from typing_extensions import override

from api.adapters.crypto.keystore import FileKeystore
from api.wire.message_bodies import Item
from tests.federation.test_audiences import AUDIENCES, sealed
from tests.federation.test_bad_peer_statements import id_of, own_package
from tests.federation.test_what_comes_along import carriers
from tests.support.bad_peer import BadPeer
from tests.support.bodies import digest as named
from tests.support.signing import SealingMinistry

TYPES = ("designation/1", "mirror-finding/1", "mirror-request/1", "recall/1", "release/1")
"""The smaller matrix; the whole one runs in one process (``tests/federation/test_audiences.py``)."""


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


def cells(bad: BadPeer) -> Iterator[tuple[str, str, str, Item]]:
    """Each type to each audience, with its statement's id and its item."""
    nowhere = [named("99")]
    for type_ in TYPES:
        for audience in AUDIENCES:
            along = own_package(bad)[0]
            content = carriers(bad, id_of(along))[type_]
            raw = sealed(bad, type_, content, nowhere, audience)
            item = bad.commit(raw, *((along,) if type_ == "release/1" else ()))
            yield type_, audience, id_of(raw), item


def main() -> int:
    """Run as the command says."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.bad_member")
    for name in ("--keystore", "--passphrase-file", "--ministry", "--to", "--url"):
        parser.add_argument(name, required=True)
    chosen = parser.parse_args()
    passphrase = Path(chosen.passphrase_file).read_text(encoding="utf-8").strip()
    keystore = FileKeystore.open(Path(chosen.keystore), lambda: passphrase)
    bad = BadPeer(HeldMinistry(chosen.ministry, keystore=keystore), chosen.to)
    with httpx2.Client(base_url=chosen.url, trust_env=False, timeout=60) as client:
        for type_, audience, statement, item in cells(bad):
            answer = client.post("/peer/messages", content=bad.deliver(item))
            told = {"type": type_, "audience": audience, "statement": statement}
            print(json.dumps({**told, "status": answer.status_code, "said": answer.text[:200]}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
