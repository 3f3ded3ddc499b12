"""Body of `mirror-withdrawal/1`: the requester no longer asks, for some subjects or for all."""

from api.wire.payloads.parts import Keys, Restatable
from api.wire.payloads.scalars import Prose


class MirrorWithdrawalV1(Restatable):
    """A withdrawal; without `subjects` it is of the whole request."""

    reason: Prose
    subjects: Keys | None = None
