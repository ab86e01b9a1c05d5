"""ISO-2022-JP as it is sent: with half-width kana and the vendors' characters (①, ㈱, 髙)."""

import re
from typing import Final

MAX_RUNS: Final = 50_000  # between escapes; the rest is left to Python's codec

_ESCAPE = re.compile(rb"\x1b(\$@|\$B|\$\(D|\(B|\(J|\(I)")
_ASCII: Final = (b"(B", b"(J")
_HALF_WIDTH: Final = b"(I"
_SUPPLEMENT: Final = b"$(D"  # JIS X 0212
# Further character sets of the family, which Python knows: Chinese, Korean, JIS X 0213.
_OTHERS: Final = ("iso2022_jp_2", "iso2022_jp_2004", "iso2022_jp_3")
_HIGH_BIT: Final = bytes(byte | 0x80 if 0x20 < byte < 0x7F else byte for byte in range(256))


def has_escapes(data: bytes) -> bool:
    """Whether these bytes switch to a Japanese character set."""
    return b"\x1b" in data and _ESCAPE.search(data) is not None


def decode(data: bytes) -> str:
    """Decode ISO-2022-JP (RFC 1468); what is in no character set becomes U+FFFD."""
    for codec in ("iso2022_jp", *_OTHERS):
        try:
            return data.decode(codec)
        except (UnicodeError, ValueError):
            continue
    first, *pieces = _ESCAPE.split(data, maxsplit=MAX_RUNS)
    out = [first.decode("utf-8", "replace")]
    rest = b"\x1b" + pieces[-2] + pieces.pop() if len(pieces) == 2 * MAX_RUNS else b""
    if rest:
        pieces.pop()
    for mode, run in zip(pieces[::2], pieces[1::2], strict=True):
        if run:
            out.append(_run(run, mode))
    out.append(rest.decode("iso2022_jp", "replace"))
    return "".join(out)


def _run(run: bytes, mode: bytes) -> str:
    """What stands between two escapes."""
    if mode in _ASCII:
        return run.decode("utf-8", "replace")
    # A line end returns to ASCII (RFC 1468), even where the escape was forgotten.
    head, newline, tail = run.partition(b"\n")
    if newline:
        return (_run(head, mode) if head else "") + "\n" + tail.decode("utf-8", "replace")
    high = run.translate(_HIGH_BIT)
    if mode == _HALF_WIDTH:
        return re.sub(rb"[\x80-\xff]", b"\x8e\\g<0>", high).decode("euc_jp", "replace")
    if mode == _SUPPLEMENT:
        return re.sub(rb"[\x80-\xff]{2}", b"\x8f\\g<0>", high).decode("euc_jp", "replace")
    try:
        return high.decode("euc_jp")
    except UnicodeError:
        return _shifted(run).decode("cp932", "replace")


def _shifted(run: bytes) -> bytes:
    """Rows and cells of JIS X 0208 as Shift_JIS: its Windows form has the vendors' rows 13
    and 89 to 92, which EUC has not. What is no row or cell stays."""
    out = bytearray()
    position = 0
    while position < len(run):
        row, cell = run[position], run[position + 1] if position + 1 < len(run) else 0
        if not (0x20 < row < 0x7F and 0x20 < cell < 0x7F):
            out.append(row)
            position += 1
            continue
        lead = (row + 1) // 2 + (0x70 if row < 0x5F else 0xB0)
        trail = cell + (0x1F if cell < 0x60 else 0x20) if row % 2 else cell + 0x7E
        out += bytes((lead, trail))
        position += 2
    return bytes(out)
