"""Body of `onward-consent/1`: the originator's answer that a holder may pass a package on."""

from api.wire.payloads.parts import Marking, Restatable
from api.wire.payloads.scalars import Digest, Instant, Ministry


class OnwardConsentV1(Restatable):
    """Consent for one package, one recipient, under a marking, perhaps for a time."""

    request: Digest
    package: Digest
    recipient: Ministry
    marking: Marking
    until: Instant | None = None
