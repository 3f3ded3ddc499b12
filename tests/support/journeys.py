"""What officers do in tests that need a log with something in it."""

import hashlib
from typing import Any

from sqlalchemy import Connection

from api.records import heads, log, peer_logs
from api.services.desk import evidence, exhibits
from api.services.log import checkpoints, witnessing
from api.services.node import Node
from api.services.statements import approving, previewing
from api.wire.messages import ConsistencyPath, Evidence
from api.wire.statements import Content
from tests.support.federation import Federation

EXHIBIT = b"an exhibit\n" * 100


def package_body(title: str = "A package", exhibit: bytes = EXHIBIT) -> dict[str, Any]:
    digest = f"sha256:{hashlib.sha256(exhibit).hexdigest()}"
    return {
        "title": title,
        "summary": "What happened.",
        "language": "en",
        "subjects": [{"key": "s1", "schema": "Person", "names": [{"text": "Test Person"}]}],
        "claims": [{"subject": "s1", "act": "An act.", "ground": "a ground", "exhibits": ["one"]}],
        "exhibits": [
            {
                "label": "one",
                "media_type": "text/plain",
                "size": len(exhibit),
                "digest": digest,
                "kind": "official-record",
                "source": "made for the test",
            }
        ],
        "exculpatory": "None known.",
        "legal_basis": "For the test.",
        "compelled": False,
    }


def submit(
    federation: Federation,
    ministry: str = "us-treasury",
    title: str = "A package",
    exhibit: bytes = EXHIBIT,
) -> str:
    """Store an exhibit and submit a package; returns the package's id."""
    node, analyst = federation[ministry], federation.officer(ministry, "analyst")
    body = package_body(title, exhibit)
    content = Content("evidence-package/1", (), body)
    digest = body["exhibits"][0]["digest"]
    exhibits.store_exhibit(node, analyst, digest, len(exhibit), iter([exhibit]))
    draft = {
        "type": "evidence-package/1",
        "body": body,
        "endorsement": federation.endorse(analyst, content),
    }
    return evidence.submit(node, analyst, draft).id


def release(federation: Federation, package: str, to: str, ministry: str = "us-treasury") -> str:
    """Release a package to a partner by a second person; returns the release's id."""
    node = federation[ministry]
    content = {
        "recipient": to,
        "marking": {
            "tlp": "AMBER",
            "releasable_to": [to],
            "originator_control": True,
            "permitted_use": ["consideration of designation"],
        },
        "legal_basis": "For the test.",
    }
    draft = evidence.release(node, federation.officer(ministry, "analyst"), package, content)
    reviewer = federation.officer(ministry, "reviewer")
    previewing.preview(node, reviewer, draft.id)
    sealed = approving.approve_recorded(node, reviewer, draft.id, draft.digest)
    return str(sealed.statement)


def recall(federation: Federation, package: str, ministry: str = "us-treasury") -> None:
    """Recall a package from every holder."""
    reviewer = federation.officer(ministry, "reviewer")
    content = {"reason": "A wrong date.", "instruction": "stop-use"}
    evidence.recall(federation[ministry], reviewer, package, content)


def exchange(federation: Federation, packages: int = 1) -> list[str]:
    """Let Washington send packages to London and Ottawa, recall the first, and come to rest."""
    made = [submit(federation, title=f"Package {number}") for number in range(packages)]
    for package in made:
        for to in ("uk-fcdo", "ca-gac"):
            release(federation, package, to)
    federation.settle()
    recall(federation, made[0])
    federation.settle()
    return made


def witness_all(federation: Federation) -> None:
    """Let every node cosign the newest head of every other, as an exchange of heads would."""
    for node in federation:
        checkpoints.integrate(node, "test")
    for owner in federation:
        for witness in federation:
            if witness is not owner:
                _witness(owner, witness)


def _witness(owner: Node, witness: Node) -> None:
    known = witness.db.read(lambda c: peer_logs.peer_log(c, owner.ministry))
    evidence = owner.db.read(lambda c: _evidence(c, known.size if known is not None else 0))
    examined = witness.db.read(lambda c: witnessing.examine(witness, c, owner.ministry, evidence))
    word = witnessing.cosign(witness, examined, examined.size)
    witness.db.write(lambda unit: witnessing.persist(unit, examined, word))
    rows = [
        {"size": examined.size, "line": line, "cosigner": witness.ministry} for line in word.lines
    ]
    owner.db.write(lambda unit: heads.add_cosignatures(unit.connection, rows))


def _evidence(connection: Connection, old: int) -> Evidence:
    head = log.newest_head(connection)
    assert head is not None
    path = checkpoints.prove_consistency(connection, old, head.size)
    return Evidence(
        checkpoint=head.note.decode(),
        consistency=ConsistencyPath(old, tuple(path)) if old else None,
        leaves=b"".join(checkpoints.leaf_hashes(connection, old, head.size)),
    )
