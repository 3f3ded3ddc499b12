"""Calls to partners, watched: the transport port around another transport."""

from collections.abc import Callable

from api.domain.errors import ComityError
from api.ports.observing import Observer, Piece, PieceKind
from api.ports.peers import PeerReply, PeerTransport


class ObservedPeers:
    """Implements ``ports/peers``; what is sent and returned is not touched.

    Args:
        transport: does the work.
        observer: watches it.
    """

    def __init__(self, transport: PeerTransport, observer: Observer) -> None:
        self._transport = transport
        self._observer = observer

    def post(self, peer: str, path: str, body: bytes, *, content_type: str) -> PeerReply:
        """Send a body; see the port."""
        piece = Piece(PieceKind.PEER_CALL, _door(path), method="POST", peer=peer)
        return self._watched(
            piece, lambda: self._transport.post(peer, path, body, content_type=content_type)
        )

    def get(self, peer: str, path: str, *, token: str, headers: dict[str, str]) -> PeerReply:
        """Read a path; see the port."""
        piece = Piece(PieceKind.PEER_CALL, _door(path), method="GET", peer=peer)
        return self._watched(
            piece, lambda: self._transport.get(peer, path, token=token, headers=headers)
        )

    def _watched(self, piece: Piece, call: Callable[[], PeerReply]) -> PeerReply:
        with self._observer.observe(piece):
            try:
                reply = call()
            except ComityError as error:
                piece.outcome = piece.code = error.code
                raise
            piece.outcome = str(reply.status)
            return reply


def _door(path: str) -> str:
    """Return the first segment of a path, such as ``/peer``: the rest may name places in a log."""
    return f"/{path.split('/')[1]}" if path.startswith("/") else "/"
