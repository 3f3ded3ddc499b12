"""The law in force here: the policy directory's regimes, and the editions that replaced them.

Owns what is remembered of it in this process, under the version that every call of an officer
compares (``standings``): an approval in any process holds for each call after its commit.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from api.domain.regimes.together import regimes_of
from api.domain.regimes.values import Regime
from api.records import regime_editions
from api.records.database import Database
from api.records.regime_editions import RegimeEdition
from api.wire import canonical

_LIMIT = 1024 * 1024


class Law:
    """Regimes by id, and the documents that they were read from.

    Args:
        documents: those of the policy directory, by regime.
        parsed: the regimes read from them; they are read here if it is not given.
    """

    def __init__(
        self,
        documents: Mapping[str, Any] | None = None,
        parsed: Mapping[str, Regime] | None = None,
    ) -> None:
        self._shipped = dict(documents or {})
        regimes = parsed if parsed is not None else regimes_of(self._shipped)
        self._own = regimes
        self._known: tuple[int, Mapping[str, Any], Mapping[str, Regime]] | None = None

    def regimes(self, db: Database, version: int) -> Mapping[str, Regime]:
        """Return the regimes in force.

        Args:
            db: the node's database.
            version: what an officer's call compared last; what was read before another is old.
        """
        return self._now(db, version)[2]

    def documents(self, db: Database, version: int) -> Mapping[str, Any]:
        """Return the documents in force, by regime; see :meth:`regimes`."""
        return self._now(db, version)[1]

    def documents_with(self, decided: Iterable[RegimeEdition]) -> dict[str, Any]:
        """Return the documents with the editions that two administrators decided on."""
        return self._shipped | {
            one.regime: canonical.parse(one.document, limit=_LIMIT) for one in decided
        }

    def shipped(self, regime: str) -> Any:
        """Return the policy directory's document of a regime, or ``None``."""
        return self._shipped.get(regime)

    def _now(
        self, db: Database, version: int
    ) -> tuple[int, Mapping[str, Any], Mapping[str, Regime]]:
        if self._known is not None and self._known[0] == version:
            return self._known
        decided = db.read(regime_editions.in_force)
        documents = self.documents_with(decided)
        found = (version, documents, regimes_of(documents) if decided else self._own)
        self._known = found
        return found
