"""Small files that letters carry: made here, so that none has to be kept."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """An attachment's type, as `main/sub`, and its bytes."""

    content_type: str
    content: bytes


def png(red: int, blue: int, size: int = 96) -> bytes:
    """Return a square picture that fades from one colour to another."""
    rows = b"".join(
        b"\0" + b"".join(bytes((red, x * 2, blue * y // size)) for x in range(size))
        for y in range(size)
    )
    header = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    chunks = (b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def pdf(text: str) -> bytes:
    """Return a document of one page with one line of ASCII."""
    stream = f"BT /F1 24 Tf 72 720 Td ({text}) Tj ET".encode("ascii")
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
        b"/Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    )
    out, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    tail = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
    return out + head + table + tail % (len(objects) + 1, len(out))


CSV = "item,place,count\r\n" + "".join(f"{4700 + n},dock {n % 4},{n * 7}\r\n" for n in range(9))

FILES: Mapping[str, File] = {
    "display.png": File(content_type="image/png", content=png(200, 120)),
    "server-rack.png": File(content_type="image/png", content=png(20, 250)),
    "stock-export.csv": File(content_type="text/csv", content=CSV.encode("ascii")),
    "scan.pdf": File(content_type="application/pdf", content=pdf("Scan of the second floor")),
    "見積書.pdf": File(content_type="application/pdf", content=pdf("Quotation 2026-117")),
}
