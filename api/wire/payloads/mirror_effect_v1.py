"""Body of `mirror-effect/1`: the addressee did as it found; points at the designation."""

from api.wire.payloads.parts import Restatable
from api.wire.payloads.scalars import Digest, SubjectKey


class MirrorEffectV1(Restatable):
    """An effect references a designation and repeats none of its facts."""

    subject: SubjectKey
    designation: Digest
