"""One target under atheris: `python -m tests.fuzz.child TARGET UNTIL [libFuzzer's arguments …]`.

UNTIL is a moment of time.time(). Ends with a status other than 0 when a promise is broken.
"""

from __future__ import annotations

import sys
import time

import atheris

with atheris.instrument_imports(include=["deskpost"], enable_loader_override=False):
    from tests.fuzz.targets import TARGETS


def main() -> None:
    program, target, until, *arguments = sys.argv
    # Only now: instrumenting has taken some of the time.
    left = max(1, round(float(until) - time.time()))
    atheris.Setup([program, f"-max_total_time={left}", *arguments], TARGETS[target])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
