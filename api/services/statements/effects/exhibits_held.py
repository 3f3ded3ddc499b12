"""What a recipient's node says once every exhibit of a release has come: ``exhibits-held/1``.

Owns the columns ``held`` and ``held_at`` of ``holders``. It is the node's own word, in disposition
messages, and gets no disposition. A holder is *applied* for the statement and *held* from here
(PROTOCOL §9).
"""

from api.records import packages
from api.records.unit_of_work import Unit
from api.wire.statements import Statement


def note_held(unit: Unit, statement: Statement) -> bool:
    """Note that a holder has every exhibit; returns whether the word fits what was released.

    It counts for the release under which that ministry holds the package now, and only if it names
    exactly the exhibits that the package lists.
    """
    release = packages.release_by_id(unit.connection, str(statement.body["release"]))
    if release is None or release.recipient != statement.issuer:
        return False
    exhibits = packages.exhibits_of(unit.connection, release.package)
    listed = {row.digest for row in exhibits}
    named: object = statement.body["exhibits"]
    if not isinstance(named, list) or set(map(str, named)) != listed:
        return False
    key = {"package": release.package, "ministry": statement.issuer}
    values = {"held": statement.id, "held_at": statement.issued_at}
    expect = {"release": release.id, "held": None}
    return unit.update(packages.HOLDERS, key, values, expect=expect) is not None
