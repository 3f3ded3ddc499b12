"""Reads the regime documents of a policy directory.

Owns the file reading and the cross-check between regimes; the form of one document is
`api.domain.regimes.form`'s.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from api.adapters.policy.loading import PolicyError
from api.domain.regimes.advice import Regime, RegimeError, parse
from api.wire import canonical
from api.wire.errors import WireError

DIRECTORY: Final = "regimes"
_LIMIT: Final = 1024 * 1024


def load_regimes(policy_directory: Path) -> Mapping[str, Regime]:
    """Read `regimes/*.json`, by regime id in alphabetical order.

    Raises:
        PolicyError: A document is unreadable or malformed, its name is not its id, or an
            alternative it offers does not exist, is of another jurisdiction, or covers other
            conduct than said.
    """
    regimes: dict[str, Regime] = {}
    try:
        for path in sorted((policy_directory / DIRECTORY).glob("*.json")):
            regime = parse(canonical.parse(path.read_bytes(), limit=_LIMIT))
            if regime.id != path.stem:
                raise PolicyError(f"The file {path.name} holds the regime {regime.id}.")
            regimes[regime.id] = regime
    except (OSError, WireError, RegimeError) as error:
        raise PolicyError(f"A regime cannot be read: {error}") from error
    if not regimes:
        raise PolicyError("The policy directory has no regimes.")
    for regime in regimes.values():
        _check_alternatives(regime, regimes)
    return regimes


def _check_alternatives(regime: Regime, regimes: Mapping[str, Regime]) -> None:
    for other in regime.alternatives:
        offered = regimes.get(other.regime)
        if offered is None or offered.jurisdiction != regime.jurisdiction:
            raise PolicyError(f"{regime.id} offers {other.regime}, which is not a way to go there.")
        covered = frozenset().union(*(ground.conduct for ground in offered.grounds.values()))
        if other.conduct != covered:
            raise PolicyError(f"{regime.id} says of {other.regime} what its grounds do not say.")
