"""JSON that anyone may have written: read, and each value taken only for what it is."""

from __future__ import annotations

import json
from typing import Any

from deskpost.hooks.refusal import UNREADABLE, Refusal


def json_object(text: str | bytes) -> dict[str, Any]:
    """Return the JSON object. Raises Refusal (400) for everything else."""
    try:
        found = json.loads(text if isinstance(text, str) else text.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise Refusal(400, UNREADABLE) from error
    if not isinstance(found, dict):
        raise Refusal(400, UNREADABLE)
    return found


def string(value: Any) -> str:
    """Return the value where it is text, else nothing."""
    return value if isinstance(value, str) else ""


def strings(value: Any) -> list[str]:
    """Return the texts in a list."""
    return [one for one in sequence(value) if isinstance(one, str)]


def mapping(value: Any) -> dict[str, Any]:
    """Return the value where it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def mappings(value: Any) -> list[dict[str, Any]]:
    """Return the objects in a list."""
    return [one for one in sequence(value) if isinstance(one, dict)]


def sequence(value: Any) -> list[Any]:
    """Return the value where it is a list, else an empty one."""
    return value if isinstance(value, list) else []
