"""What a verification says: numbered steps, each with its reason, and one verdict.

Owns the values, their JSON, and the record in which steps are noted while they are taken. Decides
nothing (`api.domain.verification.package`).
"""

from dataclasses import dataclass, field
from enum import IntEnum
from types import TracebackType
from typing import Final

from api.tlog.errors import LogError
from api.wire.canonical import Json
from api.wire.errors import WireError


class Check(IntEnum):
    """The steps; their numbers are part of the contract, see `api.domain.verification.package`."""

    CONTAINER = 1
    DECODING = 2
    STATEMENT = 3
    MEMBERSHIP = 4
    SEAL = 5
    OFFICERS = 6
    EXHIBITS = 7
    RELEASE = 8
    RECEIPTS = 9
    PROOF = 10

    @property
    def label(self) -> str:
        """The step's name in output."""
        return self.name.lower()


VERIFIED: Final = "verified"
UNPROVEN: Final = "intact, origin unproven"
DRAFT: Final = "intact draft, no ministry has sealed it"
FAILED: Final = "failed"


@dataclass(frozen=True, slots=True)
class Step:
    """One step.

    Attributes:
        check: Which.
        ok: True, False, or None where it does not apply.
        detail: A sentence for people.
        code: Stable code of a refusal.
    """

    check: Check
    ok: bool | None
    detail: str
    code: str | None = None

    def to_json(self) -> dict[str, Json]:
        """Return ``{n, name, ok, detail, code?}``."""
        value: dict[str, Json] = {
            "n": int(self.check),
            "name": self.check.label,
            "ok": self.ok,
            "detail": self.detail,
        }
        return value if self.code is None else value | {"code": self.code}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome.

    Attributes:
        ok: Whether the caller may rely on the file as asked.
        verdict: `VERIFIED`, `UNPROVEN`, `DRAFT` or `FAILED`.
        steps: Every step in order.
        facts: What the file says, as far as it was read: ids, issuer, officers, marking.
    """

    ok: bool
    verdict: str
    steps: tuple[Step, ...]
    facts: dict[str, Json] = field(default_factory=dict)

    @property
    def failed(self) -> tuple[Step, ...]:
        """The steps that failed, in order."""
        return tuple(step for step in self.steps if step.ok is False)

    def to_json(self) -> dict[str, Json]:
        """Return ``{ok, verdict, failed, steps, facts}``."""
        failed: list[Json] = [step.check.label for step in self.failed]
        steps: list[Json] = [step.to_json() for step in self.steps]
        return {
            "ok": self.ok,
            "verdict": self.verdict,
            "failed": failed,
            "steps": steps,
            "facts": self.facts,
        }


class StepRecord:
    """Notes steps while they are taken; the first word about a step stands, a refusal always.

    Attributes:
        facts: What the file says, filled while it is read.
    """

    def __init__(self) -> None:
        self._steps: dict[Check, Step] = {}
        self.facts: dict[str, Json] = {}

    def taking(self, check: Check) -> "_Taking":
        """Return a context in which a refusal becomes the failure of this step."""
        return _Taking(self, check)

    def passed(self, check: Check, detail: str) -> None:
        """Note that a step passed."""
        self._steps.setdefault(check, Step(check, ok=True, detail=detail))

    def skipped(self, check: Check, detail: str) -> None:
        """Note that a step does not apply."""
        self._steps.setdefault(check, Step(check, ok=None, detail=detail))

    def failed(self, check: Check, refusal: WireError | LogError) -> None:
        """Note that a step failed."""
        # That bytes in a container changed shows only when a member is read.
        blamed = Check.CONTAINER if refusal.code == "container.checksum" else check
        self._steps[blamed] = Step(blamed, ok=False, detail=refusal.message, code=refusal.code)

    def holds(self, check: Check) -> bool:
        """Say whether a step was noted as passed."""
        return check in self._steps and self._steps[check].ok is True

    def verdict(self, best: str, *, allowed: bool) -> Verdict:
        """Sum up.

        Args:
            best: The verdict if no step failed.
            allowed: Whether the caller is content with `best`.
        """
        steps = tuple(
            self._steps.get(check, Step(check, ok=None, detail="Not judged.")) for check in Check
        )
        whole = all(step.ok is not False for step in steps)
        return Verdict(whole and allowed, best if whole else FAILED, steps, self.facts)


class _Taking:
    def __init__(self, record: StepRecord, check: Check) -> None:
        self._record, self._check = record, check

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if not isinstance(error, WireError | LogError):
            return False
        self._record.failed(self._check, error)
        return True
