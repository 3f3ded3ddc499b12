"""What the node knows of the officers who call: remembered while nothing of it changed.

Owns what is remembered, in this process; the version that is compared at every call is in the
database (``records/standing_version.py``), so that a change in any process holds from its commit
on. Decides nothing: the policies do.
"""

from typing import Final

from sqlalchemy import Connection, Engine

from api.records import officers
from api.records.database import Database
from api.records.officers import Standing

_MOST: Final = 4096


class Standings:
    """Standings of officers with the version at which they were read."""

    def __init__(self) -> None:
        self.seen = 0
        """The version at the last call of an officer here."""
        self._known: dict[tuple[Engine, str, str], tuple[int, Standing]] = {}

    def of(self, db: Database, iss: str, sub: str, now: str) -> Standing | None:
        """Return the standing of the person behind an account, or ``None`` if unknown here.

        Args:
            db: the node's database.
            iss: issuer of the account.
            sub: account at that issuer.
            now: the node's clock; a standing that changes with time alone is not remembered.
        """
        key = (db.engine, iss, sub)
        known = self._known.get(key)
        if known is not None:
            self.seen = db.look(officers.version)
            if known[0] == self.seen:
                return known[1]

        def read(connection: Connection) -> tuple[int, Standing | None]:
            return officers.version(connection), officers.standing(connection, iss, sub, now)

        version, found = db.read(read)
        self.seen = version
        self._known.pop(key, None)
        if found is not None and not found.suspended and version:
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[key] = version, found
        return found
