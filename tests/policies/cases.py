"""The shipped examples as the tests ask them, and the columns of the matrix."""

from typing import Any

from api.adapters.policy import examples
from api.adapters.policy.examples import Example as Case
from api.adapters.policy.examples import circumstances as context
from api.adapters.policy.examples import principal
from api.domain.four_eyes import FourEyes
from api.ports.policy import Principal
from api.shipped import policies

POLICIES = policies()
__all__ = ["Case", "Questions", "context", "load_cases", "principal", "principal_of", "read"]
ROLE_COLUMNS = ("analyst", "reviewer", "auditor", "administrator", "peer", "node")


def read(name: str) -> dict[str, Any]:
    return examples.read_cases(POLICIES, name)


class Questions(examples.Questions):
    """The ordinary questions of the shipped directory."""

    def __init__(self, four_eyes: FourEyes) -> None:
        super().__init__(POLICIES, four_eyes)


def principal_of(column: str) -> Principal:
    if column in {"peer", "node"}:
        return principal(kind=column)
    return principal(roles=[column])


def load_cases(asked: Questions) -> list[Case]:
    names = sorted(path.name for path in (POLICIES / "cases").glob("*.toml"))
    return [case for name in names for case in examples.examples(POLICIES, name, asked)]
