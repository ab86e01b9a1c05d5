"""UUIDv7: log rows whose id order is time order (RFC 9562, section 5.7)."""

import uuid
from datetime import UTC, datetime

import uuid_utils.compat


def new_id() -> uuid.UUID:
    """Return a new id; later ids of one process are greater."""
    return uuid_utils.compat.uuid7()


def first_id(moment: datetime) -> uuid.UUID:
    """Return the least id that can be made at or after the moment: a bound for ranges of time."""
    milliseconds = int(moment.timestamp() * 1000)
    return uuid.UUID(int=milliseconds << 80)


def moment_of(log_id: uuid.UUID) -> datetime:
    """Return when the id was made, to the millisecond."""
    return datetime.fromtimestamp((log_id.int >> 80) / 1000, UTC)
