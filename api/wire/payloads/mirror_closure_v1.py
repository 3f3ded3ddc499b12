"""Body of `mirror-closure/1`: the addressee is done; what comes later is a new thread."""

from api.wire.payloads.parts import Restatable
from api.wire.payloads.scalars import Prose


class MirrorClosureV1(Restatable):
    """A closure with its reason."""

    reason: Prose
