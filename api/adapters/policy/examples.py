"""The executable examples of a policy directory: questions with the answers that are expected.

Owns the form of ``cases/*.toml`` (docs/policy.md) and the trial of a loaded set against them: a set
under which a guardrail no longer guards is refused before a node starts with it. Two sets of
examples are tried: those of the directory, which must all come out as they say, and the guardrails'
examples that the program brings, so that nobody weakens a guardrail together with its examples.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from api.adapters.policy.loading import GUARDRAILS_FILE, PolicyError
from api.domain.four_eyes import DESK, FourEyes
from api.ports.policy import ContextValue, Decider, Principal, Resource

CASES: Final = "cases"
"""Folder of the examples in a policy directory."""

GUARDRAIL_CASES: Final = GUARDRAILS_FILE.replace(".cedar", ".toml")
QUESTIONS: Final = "questions.toml"
ALLOWED: Final = "allowed"
OWN_MINISTRY: Final = "us-treasury"
_NOON: Final = 500


@dataclass(frozen=True, slots=True)
class Example:
    """One question with its expected answer.

    Attributes:
        file: name of its file without ending.
        number: place in the file, from 1.
        policy: id of the policy that it is an example of.
        principal: who asks.
        action: what they want to do.
        resource: on what.
        context: under which circumstances.
        expect: ``allowed``, or the code of the refusal.
        because: why, in a sentence.
    """

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
        """A name of its own."""
        return f"{self.file}-{self.number}-{self.policy}"


class Questions:
    """Builds resources from the ordinary questions and the four-eyes table."""

    def __init__(self, directory: Path, four_eyes: FourEyes) -> None:
        """Read ``cases/questions.toml`` of a policy directory."""
        self._ordinary = read_cases(directory, QUESTIONS)
        self._four_eyes = four_eyes

    def resource(self, who: Principal, on: Mapping[str, Any]) -> Resource:
        """Return the ordinary question's resource, changed as the example says."""
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


def principal(
    *,
    kind: str = "officer",
    ministry: str | None = None,
    person: str = "zoe",
    roles: list[str] | None = None,
    **members: Any,
) -> Principal:
    """Return who asks, as an example's ``who`` says it."""
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


def circumstances(when: Mapping[str, Any] | None = None) -> dict[str, ContextValue]:
    """Return the context of an ordinary question, changed as the example says."""
    return {"now": _NOON, **(when or {})}


def read_cases(directory: Path, name: str) -> dict[str, Any]:
    """Return one decoded file of a policy directory's examples.

    Raises:
        PolicyError: it is absent or malformed.
    """
    try:
        return tomllib.loads((directory / CASES / name).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise PolicyError(f"The examples {CASES}/{name} cannot be read: {error}") from error


def examples(directory: Path, name: str, questions: Questions) -> Iterator[Example]:
    """Yield the examples of one file.

    Raises:
        PolicyError: the file or an example of it is malformed.
    """
    for number, raw in enumerate(read_cases(directory, name).get("case", []), start=1):
        try:
            who = principal(**raw["who"])
            yield Example(
                file=Path(name).stem,
                number=number,
                policy=raw["policy"],
                principal=who,
                action=raw["does"],
                resource=questions.resource(who, raw["on"]),
                context=circumstances(raw.get("when")),
                expect=raw["expect"],
                because=raw["because"],
            )
        except (KeyError, TypeError) as error:
            raise PolicyError(
                f"Example {number} of {CASES}/{name} is malformed: {error}"
            ) from error


def try_guardrails(decider: Decider, four_eyes: FourEyes, directory: Path, shipped: Path) -> None:
    """Ask a loaded set the examples of its guardrails, and those that the program brings.

    Args:
        decider: the set.
        four_eyes: its four-eyes table.
        directory: where the set was loaded from; its examples are tried if it has any.
        shipped: the program's policy directory.

    Raises:
        PolicyError: a guardrail does not decide an example as expected; the sentence names the
            policy and the example.
    """
    own = directory / CASES / GUARDRAIL_CASES
    if own.exists() and directory != shipped:
        for example in examples(directory, GUARDRAIL_CASES, Questions(directory, four_eyes)):
            _try(decider, example)
    for example in examples(shipped, GUARDRAIL_CASES, Questions(shipped, four_eyes)):
        # A ministry may be stricter than the program, never laxer.
        if example.expect != ALLOWED or directory == shipped:
            _try(decider, example)


def _try(decider: Decider, example: Example) -> None:
    found = decider.decide(example.principal, example.action, example.resource, example.context)
    expected = found.allowed
    if example.expect != ALLOWED:
        expected = not found.allowed and example.policy in found.policies
    if not expected:
        answer = "allows it" if found.allowed else f"refuses it with {found.code}"
        raise PolicyError(
            f"The policy {example.policy} does not guard: example {example.number} of "
            f"{CASES}/{example.file}.toml expects {example.expect} ({example.because}) and the "
            f"set {answer}."
        )
