"""Every regular expression of deskpost.mail on long inputs: its time must grow with the length.

    python -m tests.fuzz.patterns [--long] [NAME …]

Collects the compiled patterns of the modules (also those in tables and in dataclasses) and the
literal ones in calls like `re.sub(r"…", …)`, and runs each in the ways in which the code uses it
on runs of one character and of short sequences. Prints a line before each pattern, so that
whoever ends a run that does not end sees which one it was; exits with 1 if one is too slow.
"""

from __future__ import annotations

import argparse
import ast
import dataclasses
import importlib
import inspect
import itertools
import pkgutil
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Final

import deskpost.mail
from deskpost.mail import answers, quotes_lines, quotes_signature

# From short to long: one that runs away is found where that still costs little.
LENGTHS: Final = (256, 1024, 4096, 16_384, 65_536)
LONG: Final = 1024 * 1024
# A step may take twice the time that its length says (a quadratic one takes four times), and slack.
GROWTH: Final = 2.0
SLACK: Final = 0.001  # seconds
CHECKED: Final = 4  # times before a pattern is blamed
TRIES: Final = 5  # the least of these counts: the machine has other work
CHEAP: Final = 0.003  # seconds; after a run that took more, no longer one is tried
VERY_CHEAP: Final = 0.0005  # seconds; only after such a one the longest is

SEQUENCES: Final = (
    *" \n\t\r\x00a0-_><=?(),;:\"'\\@.*/%|#&+[é：あ年",
    "=?", "=?a?b?", "a ", "On ", "On 1 ", "> ", "\r\n", " \n", "\n ", "--", "<a", "<a ", '="', "a=",
    ';a="', "; ", ";a=", "a@", "<@>", "0:", "1.", "5.1.", "=?a?q?a?= ", "a:", ": ", "From ",
    'a="', "<img ", ' a="', "\\\"", "-a", "user ", "address ", "message ", "2026年",
    "no ", "size ", "exceed", "begin 644", "\x1b$B", "a.", "() ", "0 ", "%00", "a\n", "auto ",
)  # fmt: skip

# A pattern that fits a run may still run away where something else follows.
TAILS: Final = ("", "\x01")
QUICK: Final = (" ", "\n", "a", "0", "<", ">", '"', "-", "a@", "On 1 ", ";a=", "\r\n")

METHODS: Final = ("finditer", "match", "fullmatch")
# Going through all matches takes as long as the slowest search.
_SAME_AS: Final = {
    **dict.fromkeys(("search", "sub", "subn", "findall", "split"), "finditer"),
    **{method: method for method in METHODS},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """Why a pattern may look slow and is not.

    `most` is the length that reaches it; `ahead` how far it looks at the most from one place, so
    that only longer texts tell; `methods` how it is used, where a search of the source for
    `NAME.method(` does not show that.
    """

    because: str
    most: int = LONG
    ahead: int = 0
    methods: tuple[str, ...] = ()


_LINE: Final = quotes_lines.MAX_LINE

# By module, or by module and name.
GUARDS: Final[dict[str, Guard]] = {
    "answers": Guard(because="read_reply cuts what it is given to MAX_TEXT", most=answers.MAX_TEXT),
    "mime._BARE_ID": Guard(because="it looks at 500 characters from each place", ahead=500),
    "quotes_history._BY_SIGHT": Guard(because="it sees the start of a line", most=_LINE),
    "quotes_labels.FORWARD_SUBJECT": Guard(
        because="it is only matched, at the start of a subject", methods=("match",)
    ),
    "quotes_signature._LINK": Guard(
        because="is_device looks at short lines only", most=3 * quotes_signature.MAX_DEVICE
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A pattern, where it is, and the ways in which it is run."""

    name: str
    pattern: re.Pattern[Any]
    methods: tuple[str, ...]
    most: int = LONG
    ahead: int = 0


def modules() -> list[ModuleType]:
    """All modules of deskpost.mail."""
    folder = deskpost.mail.__path__
    names = [found.name for found in pkgutil.walk_packages(folder, "deskpost.mail.")]
    return [importlib.import_module(name) for name in names]


def patterns_of(module: ModuleType) -> Iterator[Found]:
    """The module's patterns; those that it only imports belong to their own module."""
    tree = ast.parse(inspect.getsource(module))
    assigned = _assigned(tree)
    used = _methods_used(tree)
    short = module.__name__.rpartition(".")[2]
    for attribute in sorted(assigned & vars(module).keys()):
        name = f"{short}.{attribute}"
        guard = GUARDS.get(name) or GUARDS.get(short)
        methods = (guard.methods if guard else ()) or used.get(attribute, ()) or METHODS
        most, ahead = (guard.most, guard.ahead) if guard else (LONG, 0)
        for number, pattern in enumerate(_patterns_in(vars(module)[attribute], set())):
            numbered = f"{name}[{number}]" if number else name
            yield Found(
                name=numbered, pattern=pattern, methods=tuple(methods), most=most, ahead=ahead
            )
    yield from _literal_patterns(tree, short)


def _assigned(tree: ast.Module) -> set[str]:
    """The names that the module's own statements give a value."""
    found = set()
    for statement in tree.body:
        if isinstance(statement, ast.Assign):
            found |= {target.id for target in statement.targets if isinstance(target, ast.Name)}
        elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            found.add(statement.target.id)
    return found


def _methods_used(tree: ast.Module) -> dict[str, tuple[str, ...]]:
    """By name of a pattern: how it is run, where nothing but its methods is used."""
    called: dict[str, set[str]] = {}
    loads: dict[str, int] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            loads[node.id] = loads.get(node.id, 0) + 1
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            loads[node.value.id] = loads.get(node.value.id, 0) - 1
            called.setdefault(node.value.id, set()).add(node.attr)
    return {
        name: tuple(sorted({_SAME_AS[method] for method in methods}))
        for name, methods in called.items()
        if not loads[name] and methods <= _SAME_AS.keys()
    }


def _patterns_in(value: object, seen: set[int]) -> Iterator[re.Pattern[Any]]:
    """The patterns in a value: itself, or what its tuples, dicts and dataclasses hold."""
    if isinstance(value, re.Pattern):
        yield value
        return
    if id(value) in seen:
        return
    seen.add(id(value))
    for inner in _inside(value):
        yield from _patterns_in(inner, seen)


def _inside(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return (*value.keys(), *value.values())
    if isinstance(value, (tuple, list, set, frozenset)):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [getattr(value, field.name) for field in dataclasses.fields(value)]
    return ()


def _literal_patterns(tree: ast.Module, short: str) -> Iterator[Found]:
    """Patterns in calls of the module `re` inside functions."""
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        of = node.func.value
        if not (isinstance(of, ast.Name) and of.id == "re" and node.args):
            continue
        text = node.args[0].value if isinstance(node.args[0], ast.Constant) else None
        method = _SAME_AS.get(node.func.attr)
        if isinstance(text, (str, bytes)) and method:
            name = f"{short}:{node.lineno}"
            yield Found(name=name, pattern=re.compile(text), methods=(method,))


def _run(pattern: re.Pattern[Any], method: str, text: Any) -> None:
    if method == "finditer":
        for _ in pattern.finditer(text):
            pass
    else:
        getattr(pattern, method)(text)


def _text(pattern: re.Pattern[Any], sequence: str, tail: str, length: int) -> Any:
    text = (sequence * (length // len(sequence) + 1))[: length - len(tail)] + tail
    return text.encode() if isinstance(pattern.pattern, bytes) else text


def seconds(pattern: re.Pattern[Any], method: str, text: Any, enough: float) -> float:
    """The time of one run; the least of a few where it is more than enough."""
    least = float("inf")
    for _ in range(TRIES):
        started = time.process_time()
        _run(pattern, method, text)
        least = min(least, time.process_time() - started)
        if least <= enough:
            break
    return least


def too_slow(found: Found, method: str, run: tuple[str, str], *, long: bool) -> str | None:
    """A word on what is wrong with the pattern on a sequence and its tail, or None."""
    before = took = 0.0
    for steps, length in enumerate(_lengths(found, long=long and run[0] in QUICK)):
        if steps > 1 and took > (VERY_CHEAP if length == LONG else CHEAP):
            break
        # There is nothing to compare the first with.
        allowed = GROWTH * took * length / before + SLACK if steps else 1.0
        took = seconds(found.pattern, method, _text(found.pattern, *run, length), allowed)
        if took > allowed:
            return f"{length:,} characters take {took:.3f} s, {allowed:.3f} s would be linear"
        before = length
    return None


def _lengths(found: Found, *, long: bool) -> list[int]:
    lengths = (*LENGTHS, LONG) if long else LENGTHS
    return sorted({min(length, found.most) for length in lengths if length > found.ahead})


def complaints(some: Iterable[Found], *, long: bool, say: Callable[[str], None]) -> list[str]:
    """What is too slow, a line each; `say` hears of each pattern before it is run."""
    runs = list(itertools.product(SEQUENCES if long else QUICK, TAILS))
    made = []
    for found in some:
        for method in found.methods:
            say(f"{time.process_time():.1f} s: {found.name} {method}")
            for run in runs:
                # Again and again: what else goes on here must not be held against it.
                words = (too_slow(found, method, run, long=long) for _ in range(CHECKED))
                said = list(itertools.takewhile(bool, words))
                if len(said) == CHECKED:
                    made.append(f"{found.name}.{method} of {run}: {said[-1]}")
                    break
    return made


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.patterns")
    parser.add_argument("--long", action="store_true", help="1 MiB, too, and more sequences")
    parser.add_argument("name", nargs="*", help="only these, as mime._ID")
    chosen = parser.parse_args()
    everything = [found for module in modules() for found in patterns_of(module)]
    some = [found for found in everything if _is_wanted(found, chosen.name)]
    wrong = complaints(some, long=chosen.long, say=lambda line: print(line, flush=True))
    for line in wrong:
        print(f"TOO SLOW: {line}")
    print(f"{len(some)} patterns")
    sys.exit(1 if wrong else 0)


def _is_wanted(found: Found, names: list[str]) -> bool:
    name = found.name.partition("[")[0]
    return not names or name in names


if __name__ == "__main__":
    main()
