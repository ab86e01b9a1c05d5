"""Files that stand uuencoded in a body, as mail had them before MIME."""

import binascii
import re
from typing import Final

MAX_LINES: Final = 600_000  # of one file
MAX_FILES: Final = 100  # of one body; further ones stay text

_BEGIN = re.compile(rb"^begin(?:-base64)? [0-7]{3,4} ([^\r\n]{1,500})\r?\n", re.MULTILINE)
_END: Final = b"end"
_END_BASE64: Final = b"===="


def cut_out(data: bytes) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """The text without its uuencoded files, and these: name and content, in order.

    What has a begin line and is no file (a line that is not encoded, no end line) stays.
    """
    if b"begin" not in data:
        return data, []
    rest: list[bytes] = []
    files: list[tuple[bytes, bytes]] = []
    position = 0
    while len(files) < MAX_FILES and (begin := _BEGIN.search(data, position)):
        content, end, complete = _lines(data, begin.end(), begin[0].startswith(b"begin-"))
        if complete and content:
            rest.append(data[position : begin.start()])
            files.append((begin[1], content))
        else:
            rest.append(data[position:end])
        position = end
    rest.append(data[position:])
    return b"".join(rest), files


def undo(data: bytes) -> bytes:
    """Undo uuencode as a transfer encoding; what has no begin line is left as it stands.

    A missing end is no harm here: the header says what this is.
    """
    begin = _BEGIN.search(data)
    if begin is None:
        return data
    content, _, _ = _lines(data, begin.end(), begin[0].startswith(b"begin-"), lenient=True)
    return content


def _lines(
    data: bytes, position: int, base64: bool, *, lenient: bool = False
) -> tuple[bytes, int, bool]:
    """Decode lines up to the end line: the content, where reading stopped, whether it ended."""
    out: list[bytes] = []
    for _ in range(MAX_LINES):
        newline = data.find(b"\n", position)
        stop = newline if newline >= 0 else len(data)
        line, following = data[position:stop].rstrip(b"\r"), min(stop + 1, len(data))
        if line.rstrip() in (_END, _END_BASE64):
            return b"".join(out), following, True
        piece = _piece(line, base64)
        if piece is None and not lenient:
            break
        out.append(piece or b"")
        position = following
        if newline < 0:
            break
    return b"".join(out), position, False


def _piece(line: bytes, base64: bool) -> bytes | None:
    """One line's octets, or None where it is not encoded."""
    try:
        if base64:
            return binascii.a2b_base64(line)
        if not line:
            return b""
        # A line may have lost its last spaces, or bear a check character more.
        full = 1 + ((line[0] - 32 & 63) + 2) // 3 * 4
        if not 32 <= line[0] <= 96 or len(line.rstrip()) > full + 2:
            return None
        return binascii.a2b_uu(line[:full])
    except binascii.Error:
        return None
