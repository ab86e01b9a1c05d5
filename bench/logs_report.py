"""The figures of a large log, for people and as JSON."""

from __future__ import annotations

from typing import Any

SLOW_MS = 300.0  # what takes longer is listed


def worst(cells: list[dict[str, Any]], *kinds: str) -> dict[str, Any]:
    """Return the cell of these kinds whose median is the greatest; without any, no times."""
    some = [cell for cell in cells if not kinds or cell["what"] in kinds]
    return max(some, key=lambda cell: float(cell["median"]), default={"median": 0.0, "worst": 0.0})


def table(figures: dict[str, Any]) -> str:
    """Return the cells as a table in Markdown, with what they were measured on."""
    head = f"## {figures['database']}"
    if "messages" in figures:
        head += f", {figures['messages']:,} messages, {figures['bytes'] / 1e9:.1f} GB"
    lines = [head, ""]
    if figures.get("added"):
        rate = figures["added"] / figures["seconds"]
        lines += [f"{figures['added']:,} were filled in: {rate:,.0f} a second.", ""]
    if drop := figures.get("drop"):
        lines += [
            f"A day of {drop['lines']:,} lines went in {drop['ms']:,} ms"
            f"{'' if drop['ended'] else ' (stopped: {:,} were left)'.format(drop['lines_left'])};"
            f" another who wrote waited {drop['other_waited_ms']} ms at the most.",
            "",
        ]
    lines += ["| list | asked | what | median ms | worst ms | processor ms | first run | found |"]
    lines += ["|---|---|---|--:|--:|--:|--:|--:|"]
    for cell in figures["cells"]:
        slow = " (stopped)" if cell.get("too_slow") else ""
        lines.append(
            f"| {cell['log']} | {cell['name']} | {cell['what']} | {cell['median']}{slow}"
            f" | {cell['worst']} | {cell['cpu']} | {cell['cold']} | {cell['found']} |"
        )
    most = worst(figures["cells"])
    lines += ["", f"The worst: {most.get('log')} {most.get('name')}, {most.get('what')}:"]
    lines[-1] += f" {most['median']} ms."
    return "\n".join(lines) + "\n\n"


def summary(results: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what is compared from run to run. `ratio_10_to_5` is the greatest of the ratios of
    medians between the largest and the smallest size, of cells over 5 ms."""
    rows = [_row(figures) for figures in results]
    ratios = {
        kind: _ratio([figures for figures in results if figures["database"] == kind])
        for kind in {figures["database"] for figures in results}
    }
    return {
        "bench": "logs",
        "rows": rows,
        "worst_first_page_ms": max((row["worst_first_page_ms"] for row in rows), default=0.0),
        "ratio_10_to_5": ratios,
    }


def _row(figures: dict[str, Any]) -> dict[str, Any]:
    cells = figures["cells"]
    pages = [cell for cell in cells if cell["what"] == "page"]
    drop = figures.get("drop", {})
    return {
        "database": figures["database"],
        "messages": figures.get("messages"),
        "gigabytes": round(figures.get("bytes", 0) / 1e9, 2),
        "worst_first_page_ms": worst(cells, "page")["median"],
        "worst_first_page": _named(worst(cells, "page")),
        "worst_first_page_cpu_ms": max((cell["cpu"] for cell in pages), default=0.0),
        "worst_deep_page_ms": worst(cells, "deep")["median"],
        "worst_counts_ms": worst(cells, "counts")["median"],
        "worst_drawer_ms": worst(cells, "drawer")["median"],
        "worst_view_ms": worst(cells, "view")["median"],
        "worst_view": _named(worst(cells, "view")),
        "worst_sums_ms": worst(cells, "sums")["median"],
        "slow": [_named(cell) for cell in cells if cell["median"] > SLOW_MS],
        "too_slow": sum(1 for cell in cells if cell.get("too_slow")),
        "drop_day_ms": drop.get("ms"),
        "drop_day_lines_left": drop.get("lines_left"),
        "drop_day_others_waited_ms": drop.get("other_waited_ms"),
    }


def _named(cell: dict[str, Any]) -> str:
    return f"{cell.get('log')} {cell.get('name')} {cell.get('what')} {cell['median']}".strip()


def _ratio(results: list[dict[str, Any]]) -> float | None:
    ordered = sorted(results, key=lambda figures: figures.get("messages") or 0)
    if len(ordered) < 2:
        return None
    key = ("log", "name", "what")
    before = {tuple(cell[name] for name in key): cell["median"] for cell in ordered[0]["cells"]}
    ratios = [
        cell["median"] / before[which]
        for cell in ordered[-1]["cells"]
        if (which := tuple(cell[name] for name in key)) in before and before[which] > 5
    ]
    return round(max(ratios), 2) if ratios else None
