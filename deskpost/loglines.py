"""Log lines: one event, one line, whatever text from outside it holds."""

import logging
from typing import Any


class OneLine(logging.Formatter):
    """`time level logger: message`; control characters of foreign text are written as escapes."""

    def __init__(self, **_: Any) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        message = record.getMessage()
        safe = "".join(
            c if c.isprintable() else c.encode("unicode_escape").decode() for c in message
        )
        record = logging.makeLogRecord(record.__dict__ | {"msg": safe, "args": ()})
        return super().format(record)
