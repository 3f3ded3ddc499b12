"""The law in force here: the policy directory's regimes, and the editions that replaced them.

Owns what is remembered of it in this process. Whether anything was decided since is asked of the
database at every use, so that an approval in any process holds from its commit on.
"""

from collections.abc import Mapping
from typing import Any

from api.domain.regimes.together import regimes_of
from api.domain.regimes.values import Regime
from api.records import regime_editions
from api.records.database import Database
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
        self._known: tuple[int, Mapping[str, Any], Mapping[str, Regime]]
        self._known = (0, self._shipped, regimes)

    def regimes(self, db: Database) -> Mapping[str, Regime]:
        """Return the regimes in force."""
        return self._now(db)[2]

    def documents(self, db: Database) -> Mapping[str, Any]:
        """Return the documents in force, by regime."""
        return self._now(db)[1]

    def shipped(self, regime: str) -> Any:
        """Return the policy directory's document of a regime, or ``None``."""
        return self._shipped.get(regime)

    def _now(self, db: Database) -> tuple[int, Mapping[str, Any], Mapping[str, Regime]]:
        version = db.look(regime_editions.version)
        if version != self._known[0]:
            decided = {
                one.regime: canonical.parse(one.document, limit=_LIMIT)
                for one in db.read(regime_editions.in_force)
            }
            documents = self._shipped | decided
            self._known = (version, documents, regimes_of(documents))
        return self._known
