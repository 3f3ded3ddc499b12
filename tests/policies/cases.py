"""Reads the executable examples of `policies/cases` and turns them into questions for a decider."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from api.domain.four_eyes import DESK, FourEyes
from api.ports.policy import ContextValue, Principal, Resource

POLICIES = Path(__file__).resolve().parents[2] / "policies"
CASES = POLICIES / "cases"
OWN_MINISTRY = "us-treasury"
ROLE_COLUMNS = ("analyst", "reviewer", "auditor", "administrator", "peer", "node")


@dataclass(frozen=True)
class Case:
    file: str
    number: int
    policy: str
    principal: Principal
    action: str
    resource: Resource
    context: Mapping[str, ContextValue]
    expect: str
    because: str

    @property
    def id(self) -> str:
        return f"{self.file}-{self.number}-{self.policy}"


def read(name: str) -> dict[str, Any]:
    return tomllib.loads((CASES / name).read_text(encoding="utf-8"))


def principal(
    *,
    kind: str = "officer",
    ministry: str | None = None,
    person: str = "zoe",
    roles: list[str] | None = None,
    **members: Any,
) -> Principal:
    if kind == "officer":
        return Principal(
            kind="officer",
            id=person,
            ministry=OWN_MINISTRY,
            roles=frozenset(roles or ()),
            person=person,
            acting_for=frozenset(members.pop("acting_for", ())),
            **members,
        )
    home = ministry or ("uk-fcdo" if kind == "peer" else OWN_MINISTRY)
    return Principal(kind="peer" if kind == "peer" else "node", id=home, ministry=home, **members)


def principal_of(column: str) -> Principal:
    if column in ("peer", "node"):
        return principal(kind=column)
    return principal(roles=[column])


class Questions:
    """Builds resources from the ordinary questions and the four-eyes table."""

    def __init__(self, four_eyes: FourEyes) -> None:
        self._ordinary = read("questions.toml")
        self._four_eyes = four_eyes

    def resource(self, who: Principal, on: Mapping[str, Any]) -> Resource:
        kind = on["kind"]
        members = {**self._ordinary[kind], **{k: v for k, v in on.items() if k != "kind"}}
        if kind == "draft":
            members = {**self._draft_roles(members.pop("of")), **members}
        attributes = {name: self._resolve(who, value) for name, value in members.items()}
        return Resource(kind=kind, id=f"{kind}-1", attributes=attributes)

    def _draft_roles(self, statement_type: str) -> dict[str, Any]:
        row = self._four_eyes.row(statement_type)
        return {
            "statement_type": statement_type,
            "prepared_by": row.prepared_by,
            "approved_by": row.approved_by,
            "confirmed_by": row.confirmed_by,
            "own_key": row.own_key,
        }

    def _resolve(self, who: Principal, value: Any) -> Any:
        if isinstance(value, list | frozenset):
            return frozenset(self._word(who, item) for item in value)
        return self._word(who, value) if isinstance(value, str) else value

    @staticmethod
    def _word(who: Principal, word: str) -> str:
        if word == "asker-role":
            return next(iter(sorted(who.roles & DESK)), "reviewer")
        return {"self": who.person, "own": OWN_MINISTRY, "asker": who.ministry}.get(word, word)


def context(when: Mapping[str, Any] | None = None) -> dict[str, ContextValue]:
    return {"now": 500, **(when or {})}


def load_cases(questions: Questions) -> list[Case]:
    cases = []
    for path in sorted(CASES.glob("*.toml")):
        for number, raw in enumerate(read(path.name).get("case", []), start=1):
            who = principal(**raw["who"])
            cases.append(
                Case(
                    file=path.stem,
                    number=number,
                    policy=raw["policy"],
                    principal=who,
                    action=raw["does"],
                    resource=questions.resource(who, raw["on"]),
                    context=context(raw.get("when")),
                    expect=raw["expect"],
                    because=raw["because"],
                )
            )
    return cases
