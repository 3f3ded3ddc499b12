"""Body of `mirror-answer/1`: the requester answers a question."""

from api.wire.payloads.parts import Evidence, Restatable
from api.wire.payloads.scalars import Prose, QuestionKey


class MirrorAnswerV1(Restatable):
    """An answer, perhaps with further evidence that was released beside it."""

    question: QuestionKey
    text: Prose
    evidence: Evidence | None = None
