"""Look for input that breaks a promise: python -m tests.fuzz [--seconds N] [--only TARGET …]

Each target runs in a process of its own; together they take about N seconds (60; 20 where QUICK
is set). A crash, an input that takes too long or too much memory is kept in a temporary folder and
printed in Base64. The last line is JSON: the seconds, the runs of each target and the crashes.
Ends with 1 if there were any.
"""

from __future__ import annotations

import argparse
import base64
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.fuzz import seeds
from tests.fuzz.targets import TARGETS

ROOT: Final = Path(__file__).parents[2]
SECONDS: Final = 60
QUICK_SECONDS: Final = 20
GRACE: Final = 30  # seconds past its time after which a target is ended
LIMITS: Final = ("-max_len=8192", "-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1")
# Those that read whole messages are slower and have more to find.
SHARES: Final = {"mime": 3, "reports": 3, "quotes": 1, "html": 2, "address": 1, "proofs": 1}

_RUNS = re.compile(r"stat::number_of_executed_units:\s*(\d+)|^#(\d+)\s", re.MULTILINE)

_TROUBLE = re.compile(r"Uncaught Python exception|=== Timeout|out-of-memory")


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How often a target ran, and what broke it."""

    runs: int
    crashes: list[Path]
    said: str


def main() -> None:
    chosen = _arguments()
    if importlib.util.find_spec("atheris") is None:
        sys.exit("atheris is not installed: .venv/bin/pip install -r requirements/fuzz.txt")
    started = time.time()
    folder = Path(tempfile.mkdtemp(prefix="dp-fuzz-"))
    results: dict[str, Result] = {}
    weight = sum(SHARES[name] for name in chosen.only)
    for name in chosen.only:
        left = started + chosen.seconds - time.time()
        results[name] = run(name, time.time() + left * SHARES[name] / weight, folder)
        weight -= SHARES[name]
        show(name, results[name])
    crashes = sum(len(result.crashes) for result in results.values())
    if not crashes:
        shutil.rmtree(folder)
    runs = {name: result.runs for name, result in results.items()}
    took = round(time.time() - started, 1)
    print(json.dumps({"fuzz": {"seconds": took, "runs": runs, "crashes": crashes}}))
    sys.exit(1 if crashes else 0)


def _arguments() -> argparse.Namespace:
    quick = QUICK_SECONDS if os.environ.get("QUICK") else SECONDS
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--seconds", type=float, default=quick, help="for all targets together")
    parser.add_argument("--only", nargs="+", choices=list(TARGETS), default=list(TARGETS))
    return parser.parse_args()


def run(name: str, until: float, folder: Path) -> Result:
    """Fuzz one target until that moment; what breaks it is written below the folder."""
    corpus, crashes = folder / name / "corpus", folder / name / "crashes"
    corpus.mkdir(parents=True)
    crashes.mkdir()
    seeds.write(name, corpus)
    seeds.write_words(folder / "words")
    command = [sys.executable, "-m", "tests.fuzz.child", name, str(until), *LIMITS]
    command += [f"-dict={folder / 'words'}", f"-artifact_prefix={crashes}/", str(corpus)]
    with (folder / f"{name}.log").open("w+b") as log:
        status = _end_of(command, log.fileno(), until)
        log.seek(0)
        said = log.read().decode("utf-8", "replace")
    found = sorted(crashes.iterdir())
    if status and not found:  # it could not begin, or ended without a word
        found = [folder / f"{name}.log"]
    counted = [int(one or other) for one, other in _RUNS.findall(said)]
    return Result(runs=max(counted, default=0), crashes=found, said=said)


def _end_of(command: list[str], log: int, until: float) -> int:
    with subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log) as child:
        try:
            return child.wait(max(0.0, until - time.time()) + GRACE)
        except subprocess.TimeoutExpired:
            child.kill()
            return child.wait()


def show(name: str, result: Result) -> None:
    """Print how a target fared; of a crash, the input and the last words."""
    print(f"{name:10} {result.runs:9,} runs, {len(result.crashes)} crashes", flush=True)
    if result.crashes:
        print(_trace(result.said))
    for path in result.crashes:
        print(f"{path}\n{base64.b64encode(path.read_bytes()).decode()}")


def _trace(said: str) -> str:
    """From the traceback on, or the last lines."""
    found = _TROUBLE.search(said)
    return said[found.start() : found.start() + 3_000] if found else said[-2_000:]


if __name__ == "__main__":
    main()
