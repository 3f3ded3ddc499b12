"""What every door needs from the application: the node and the token verifier.

Owns the place where they hang on the application's state.
"""

from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from api.ports.identity import TokenVerifier
from api.services.node import Node
from api.web.bearers import Bearers
from api.web.intake import Intake
from api.web.spool import Spool


@dataclass(frozen=True, slots=True)
class Doors:
    """What the doors share.

    Attributes:
        node: this ministry's node.
        tokens: verifier of officers' access tokens.
        public_url: address under which this node is reached.
        intake: places in which bodies are received.
        spool: folder of bodies and of unfinished uploads.
        exhibit_limit: largest exhibit in bytes.
        bearers: whose tokens were good lately.
    """

    node: Node
    tokens: TokenVerifier
    public_url: str
    intake: Intake
    spool: Spool
    exhibit_limit: int
    bearers: Bearers = field(default_factory=Bearers)


async def doors(request: Request) -> Doors:
    """Return what ``app`` hung on the application's state."""
    found: Doors = request.app.state.doors
    return found


async def this_node(request: Request) -> Node:
    """Return this node."""
    found: Doors = request.app.state.doors
    return found.node


NodeOf = Annotated[Node, Depends(this_node)]
DoorsOf = Annotated[Doors, Depends(doors)]
