"""Body of `mirror-question/1`: the addressee needs to know something before it decides."""

from api.wire.payloads.parts import Keys, Restatable
from api.wire.payloads.scalars import Prose, QuestionKey


class MirrorQuestionV1(Restatable):
    """A question, about the whole request unless it names subjects."""

    question: QuestionKey
    text: Prose
    subjects: Keys | None = None
