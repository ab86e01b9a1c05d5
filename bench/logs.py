"""How fast the log is when it is large: lists, filters, searches, drawers, sums; SQLite and
PostgreSQL.

    python bench/logs.py [--rows 5000000 10000000] [--databases sqlite postgresql] [--quick]
                         [--data FOLDER] [--keep] [--cells-only] [--serve]

Fills a database with so many messages (logs_fill.py), measures the grid of logs_grid.py in a
process of its own (logs_cells.py), and goes on to the next size by adding rows. `--keep` leaves
the data in FOLDER, where another run finds them; `--cells-only` measures what is there, and drops
no day; `--serve` starts the server on kept data, says its address, and waits. The last line is
JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from bench import logs_places, logs_report  # noqa: E402

SIZES = [5_000_000, 10_000_000]
QUICK_SIZE = 20_000


def run(script: str, env: dict[str, str], *arguments: str) -> dict[str, Any]:
    """Run a script in a process of its own; return the JSON of its last line."""
    command = [sys.executable, str(ROOT / "bench" / script), *arguments]
    done = subprocess.run(
        command, env=os.environ | env, stdout=subprocess.PIPE, text=True, check=False, cwd=ROOT
    )
    if done.returncode:
        raise SystemExit(f"{script} failed: {done.returncode}")
    result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return result


def measure(kind: str, folder: Path, rows: int, chosen: argparse.Namespace) -> dict[str, Any]:
    """Bring one database to so many rows and measure it; returns its figures."""
    filled: dict[str, Any] = {}
    if not chosen.cells_only:
        with logs_places.opened(kind, folder, fsync=False) as env:
            filled = run("logs_fill.py", env, "--rows", str(rows))
    options = ["--runs", str(chosen.runs)]
    options += ["--days-stay"] if chosen.cells_only else []
    options += ["--no-views"] if chosen.no_views else []
    options += ["--few-views"] if chosen.quick else []
    options += ["--only", *chosen.only] if chosen.only else []
    with logs_places.opened(kind, folder, fsync=True) as env:
        cells = run("logs_cells.py", env, *options)
    return {"database": kind, **filled, **cells}


def serve(kind: str, folder: Path) -> None:
    """Start the server on kept data and wait for Ctrl-C."""
    with logs_places.opened(kind, folder, fsync=False) as env:
        ends = {signal.SIGINT, signal.SIGTERM}
        signal.pthread_sigmask(signal.SIG_BLOCK, ends)
        print(" ".join(f"{name}={value}" for name, value in env.items()), flush=True)
        signal.sigwait(ends)


@contextmanager
def data(chosen: argparse.Namespace) -> Iterator[Path]:
    """Give the folder of the data, and remove it at the end unless it is to be kept."""
    folder = chosen.data or Path(tempfile.mkdtemp(prefix="dp-logs-"))
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)  # the server is another user
    try:
        yield folder
    finally:
        if not (chosen.keep or chosen.cells_only or chosen.serve):
            shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, nargs="+", default=SIZES)
    parser.add_argument("--databases", nargs="+", default=["sqlite", "postgresql"])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--cells-only", action="store_true")
    parser.add_argument("--only", nargs="+", default=[], help="parts of the names of cells")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--no-views", action="store_true")
    parser.add_argument("--serve", action="store_true")
    parser.add_argument("--quick", action="store_true")
    chosen = parser.parse_args()
    chosen.quick = chosen.quick or bool(os.environ.get("QUICK"))
    if chosen.quick:
        chosen.rows, chosen.runs = [QUICK_SIZE], 1
    with data(chosen) as folder:
        if chosen.serve:
            serve(chosen.databases[0], folder / chosen.databases[0])
            return
        results = []
        for kind in chosen.databases:
            for rows in sorted(chosen.rows)[: 1 if chosen.cells_only else None]:
                results.append(measure(kind, folder / kind, rows, chosen))
                sys.stdout.write(logs_report.table(results[-1]))
                sys.stdout.flush()
            if not (chosen.keep or chosen.cells_only):
                shutil.rmtree(folder / kind, ignore_errors=True)  # two of them are much
    print(json.dumps(logs_report.summary(results)))


if __name__ == "__main__":
    main()
