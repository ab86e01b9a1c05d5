"""What follows DATA, up to the lone dot: bounded, and the same bytes as the sender's.

RFC 5321, section 4.5.2 (transparency). Only CRLF, dot, CRLF ends a message: a server that also
took bare line feeds for it would read commands out of what another has let through as text.
"""

from __future__ import annotations

KEPT_OF_OVERSIZE = 256 * 1024  # bytes of the beginning, in which the headers are
END_OF_DATA = b"\r\n.\r\n"


class Content:
    """One message on its way in. Feed it until it says that it has ended, then take the result."""

    def __init__(self, limit: int) -> None:
        """Keep it whole up to `limit` bytes; of what is larger, only the beginning."""
        self.size = 0  # bytes so far, with the dots that were put in for transparency
        self._limit = limit
        # Those dots are a third of a message at the most, and do not count; nor does its end.
        self._most = limit * 4 // 3 + len(END_OF_DATA)
        self._kept = bytearray()
        # The last bytes so far: the end may lie across two pieces. The line end of the command
        # itself counts, so that a lone dot right after it ends an empty message.
        self._tail = b"\r\n"

    def feed(self, piece: bytes) -> int | None:
        """Take the next bytes. Returns None if there is more to come; at the end, how many bytes
        of this piece belonged to the message and its end."""
        end = self._end(piece)
        if end is not None:
            piece = piece[:end]
        self.size += len(piece)
        if self.size <= self._most:
            self._kept += piece
        elif len(self._kept) < KEPT_OF_OVERSIZE:
            self._kept += piece[:KEPT_OF_OVERSIZE]
        else:
            del self._kept[KEPT_OF_OVERSIZE:]
        self._tail = (self._tail + piece[-4:])[-4:]
        return end

    def _end(self, piece: bytes) -> int | None:
        across = (self._tail + piece[:4]).find(END_OF_DATA)
        if across >= 0:
            return across + len(END_OF_DATA) - len(self._tail)
        inside = piece.find(END_OF_DATA)
        return inside + len(END_OF_DATA) if inside >= 0 else None

    def result(self) -> tuple[bytes, int | None]:
        """Return the message without its end and without the dots of transparency.

        If it was too large: its beginning, and its size in bytes. To be asked once, at the end.
        """
        size = self.size - len(END_OF_DATA[2:])
        is_whole = self.size <= self._most
        if is_whole:
            del self._kept[size:]
        if self._kept.startswith(b"."):
            del self._kept[0]
        content = bytes(self._kept)
        self._kept = bytearray()  # before the next copy: a message may be large
        content = content.replace(b"\r\n.", b"\r\n")
        if is_whole and len(content) <= self._limit:
            return content, None
        return content[:KEPT_OF_OVERSIZE], size
