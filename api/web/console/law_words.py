"""Words for what statements say happened: conduct, the part that subjects took, who suffered it.

Owns one table for each closed list of ``wire/payloads/law``.
"""

from collections.abc import Mapping
from typing import Final

from api.web.console.words import mark

LABELS: Final[Mapping[str, Mapping[str, str]]] = {
    "conduct": {
        "killing": mark("Killing"),
        "torture": mark("Torture"),
        "forced-labour": mark("Forced labour"),
        "arbitrary-detention": mark("Arbitrary detention"),
        "religious-persecution": mark("Persecution for religion"),
        "other-gross-violation": mark("Another gross violation of human rights"),
        "bribery": mark("Bribery"),
        "misappropriation": mark("Misappropriation"),
        "other-corruption": mark("Other corruption"),
    },
    "involvement": {
        "responsible": mark("Did it or is responsible for it"),
        "leader-or-official": mark("Led those who did it, or was an official of theirs"),
        "support": mark("Supported it"),
        "owned-or-acting-for": mark("Is owned by, or acted for, somebody involved"),
        "associate-or-family": mark("Is an associate or of the family of somebody involved"),
        "agent-of-state": mark("Acted as an agent of a state"),
        "conceals": mark("Conceals it"),
        "profits": mark("Profits from it"),
        "fails-to-prosecute": mark("Fails to prosecute it"),
        "attempt": mark("Attempted it"),
    },
    "victims": {
        "rights-defenders": mark("People who exposed officials or defended rights"),
        "others": mark("Other people"),
        "not-known": mark("Not known"),
    },
}
