"""Every statement type of protocol 1, in one table.

Owns what each type is: its body, whether and for which party it belongs to a thread, whether it is
addressed, who makes it. Everything else that depends on the type derives from here or is checked
against it by ``tests/architecture``: the members around a body (`api.wire.statements`), schemas,
the floor of the four-eyes table, the effects.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from pydantic import BaseModel

from api.wire.payloads.delisting_v1 import DelistingV1
from api.wire.payloads.designation_amendment_v1 import DesignationAmendmentV1
from api.wire.payloads.designation_proposal_v1 import DesignationProposalV1
from api.wire.payloads.designation_v1 import DesignationV1
from api.wire.payloads.disposition_v2 import DispositionV2
from api.wire.payloads.evidence_package_v1 import EvidencePackageV1
from api.wire.payloads.exhibits_held_v1 import ExhibitsHeldV1
from api.wire.payloads.identity_verdict_v1 import IdentityVerdictV1
from api.wire.payloads.mirror_acknowledgement_v1 import MirrorAcknowledgementV1
from api.wire.payloads.mirror_amendment_v1 import MirrorAmendmentV1
from api.wire.payloads.mirror_answer_v1 import MirrorAnswerV1
from api.wire.payloads.mirror_closure_v1 import MirrorClosureV1
from api.wire.payloads.mirror_effect_v1 import MirrorEffectV1
from api.wire.payloads.mirror_finding_v1 import MirrorFindingV1
from api.wire.payloads.mirror_question_v1 import MirrorQuestionV1
from api.wire.payloads.mirror_request_v1 import MirrorRequestV1
from api.wire.payloads.mirror_withdrawal_v1 import MirrorWithdrawalV1
from api.wire.payloads.onward_consent_v1 import OnwardConsentV1
from api.wire.payloads.onward_request_v1 import OnwardRequestV1
from api.wire.payloads.recall_answer_v1 import RecallAnswerV1
from api.wire.payloads.recall_v1 import RecallV1
from api.wire.payloads.release_v1 import ReleaseV1


class Side(StrEnum):
    """The two parties to a thread."""

    REQUESTER = "requester"
    ADDRESSEE = "addressee"

    @property
    def other(self) -> "Side":
        """The counterpart."""
        return Side.ADDRESSEE if self is Side.REQUESTER else Side.REQUESTER


class Maker(StrEnum):
    """Who makes statements of a type, at the least: the floor of the four-eyes table."""

    TWO_OFFICERS = "two officers"
    ONE_OFFICER = "one officer"
    NODE = "the node"


@dataclass(frozen=True, slots=True)
class StatementType:
    """One type of statement in one version.

    Attributes:
        name: with its version, such as ``release/1``.
        body: the model of its body.
        thread: the party to a thread that writes it; None outside threads.
        opens: it opens a thread, as number 1 of its requester.
        addressed: it names recipients under ``to``.
        maker: who makes it; the node's own statements have no ``by``.
        own_key: its preparer signs with a key of their own.
    """

    name: str
    body: type[BaseModel]
    thread: Side | None = None
    opens: bool = False
    addressed: bool = True
    maker: Maker = Maker.TWO_OFFICERS
    own_key: bool = False

    @property
    def kind(self) -> str:
        """The name without the version, as policies and the four-eyes table have it."""
        return self.name.partition("/")[0]

    @property
    def by_node(self) -> bool:
        """Whether the node itself makes it, without any officer."""
        return self.maker is Maker.NODE


EVIDENCE_PACKAGE: Final = "evidence-package/1"
RELEASE: Final = "release/1"
RECALL: Final = "recall/1"
RECALL_ANSWER: Final = "recall-answer/1"
ONWARD_REQUEST: Final = "onward-request/1"
ONWARD_CONSENT: Final = "onward-consent/1"
DESIGNATION_PROPOSAL: Final = "designation-proposal/1"
DESIGNATION: Final = "designation/1"
AMENDMENT: Final = "designation-amendment/1"
DELISTING: Final = "delisting/1"
IDENTITY_VERDICT: Final = "identity-verdict/1"
OPENER: Final = "mirror-request/1"
MIRROR_AMENDMENT: Final = "mirror-amendment/1"
MIRROR_EFFECT: Final = "mirror-effect/1"
MIRROR_FINDING: Final = "mirror-finding/1"
DISPOSITION: Final = "disposition/2"
EXHIBITS_HELD: Final = "exhibits-held/1"

_ASKS, _ANSWERS = Side.REQUESTER, Side.ADDRESSEE
_ROWS: Final = (
    StatementType(
        EVIDENCE_PACKAGE,
        EvidencePackageV1,
        addressed=False,
        maker=Maker.ONE_OFFICER,
        own_key=True,
    ),
    StatementType(RELEASE, ReleaseV1),
    StatementType(RECALL, RecallV1),
    StatementType(RECALL_ANSWER, RecallAnswerV1),
    StatementType(ONWARD_REQUEST, OnwardRequestV1),
    StatementType(ONWARD_CONSENT, OnwardConsentV1),
    StatementType(DESIGNATION_PROPOSAL, DesignationProposalV1),
    StatementType(DESIGNATION, DesignationV1),
    StatementType(AMENDMENT, DesignationAmendmentV1),
    StatementType(DELISTING, DelistingV1),
    StatementType(IDENTITY_VERDICT, IdentityVerdictV1),
    StatementType(OPENER, MirrorRequestV1, thread=_ASKS, opens=True),
    StatementType(MIRROR_AMENDMENT, MirrorAmendmentV1, thread=_ASKS),
    StatementType("mirror-answer/1", MirrorAnswerV1, thread=_ASKS),
    StatementType("mirror-withdrawal/1", MirrorWithdrawalV1, thread=_ASKS),
    StatementType(
        "mirror-acknowledgement/1",
        MirrorAcknowledgementV1,
        thread=_ANSWERS,
        maker=Maker.ONE_OFFICER,
    ),
    StatementType("mirror-question/1", MirrorQuestionV1, thread=_ANSWERS, maker=Maker.ONE_OFFICER),
    StatementType(MIRROR_FINDING, MirrorFindingV1, thread=_ANSWERS),
    StatementType(MIRROR_EFFECT, MirrorEffectV1, thread=_ANSWERS),
    StatementType("mirror-closure/1", MirrorClosureV1, thread=_ANSWERS),
    StatementType(DISPOSITION, DispositionV2, maker=Maker.NODE),
    StatementType(EXHIBITS_HELD, ExhibitsHeldV1, maker=Maker.NODE),
)

STATEMENT_TYPES: Final[Mapping[str, StatementType]] = MappingProxyType(
    {row.name: row for row in _ROWS}
)
"""Every statement type by its name with version."""

THREAD_TYPES: Final = frozenset(row.name for row in _ROWS if row.thread is not None)
"""Types that carry the members of a thread."""

NODE_TYPES: Final = frozenset(row.name for row in _ROWS if row.by_node)
"""Types that the node itself makes; they travel in disposition messages and get no disposition."""
