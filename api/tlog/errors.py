"""The one exception of the log mathematics. Must not carry content of the thing refused."""


class LogError(ValueError):
    """A log object was malformed or failed verification.

    Attributes:
        code: Stable dotted code, for example ``proof.root-mismatch``.
        message: One sentence that says what was expected.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
