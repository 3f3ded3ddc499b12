"""The one refusal type of the wire ring.

Owns `WireError`. Must not know HTTP, log anything, or repeat content it refused: a refusal goes
back to the party that sent the bytes and into the audit log, and neither may carry evidence.
"""


class WireError(ValueError):
    """Bytes that are not what the protocol says they must be.

    Attributes:
        code: Stable dotted name such as ``json.duplicate-member``; part of the contract.
        message: One sentence saying what to do; never echoes the refused content.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
