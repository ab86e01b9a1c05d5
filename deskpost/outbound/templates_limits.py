"""What a template's rendering may use up: turns of loops, time, depth, and everything it makes.

Most of a template is text, and names of texts. For these there is a short way through liquid: it
makes what the long one makes, and counts what the long one counts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from io import StringIO
from typing import Any, TextIO

from django.utils.translation import gettext_noop
from liquid import BoundTemplate, Environment, RenderContext
from liquid.ast import BlockNode, Node
from liquid.builtin.content import ContentNode
from liquid.builtin.expressions import FilteredExpression, Path
from liquid.builtin.expressions.primitive import RangeLiteral
from liquid.builtin.output import OutputNode
from liquid.exceptions import LiquidError, LoopIterationLimitError, OutputStreamLimitError
from liquid.output import LimitedStringIO
from liquid.token import Token
from liquid.undefined import UNDEFINED
from markupsafe import escape

MOST_TURNS = 10_000  # of all loops of a template together
MOST_BYTES = 20 * 1024 * 1024  # of output
MOST_CHARACTERS = 1024 * 1024  # of a text that a filter takes or makes
CPU_SECONDS = 1.0  # of the thread: a busy machine does not count
QUICK_NODES = 32  # so many nodes on the short way take no time that counts


class Context(RenderContext):
    """Counts the turns of all loops, and looks at the clock again and again."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._until = time.thread_time() + CPU_SECONDS
        self._turns = self._quick = 0
        super().__init__(*args, **kwargs)
        self._outside = self.scope.size() + 1  # a template's own names (`partial`) stand before

    # Every node of the long way asks for it first, also the ones that write nothing.
    @property
    def disabled_tags(self) -> list[str]:
        if time.thread_time() > self._until:
            raise LiquidError(gettext_noop("the template takes too long"), token=None)
        return []

    @disabled_tags.setter
    def disabled_tags(self, names: list[str]) -> None:
        pass

    def count(self, nodes: int) -> None:
        """Count nodes of the short way."""
        self._quick += nodes
        if self._quick >= QUICK_NODES:
            self._quick = 0
            _ = self.disabled_tags

    def filter(self, name: str, token: Token | None) -> Callable[..., object]:
        _ = self.disabled_tags
        return super().filter(name, token)

    def get(
        self, path: list[object], *, token: Token | None, default: object = UNDEFINED
    ) -> object:
        found = text_in(self.globals, path) if self.is_outside() else None
        return super().get(path, token=token, default=default) if found is None else found

    def is_outside(self) -> bool:
        """Return whether every name is one of the given values: not within a loop, and nothing
        has been assigned."""
        return not self.locals and self.scope.size() == self._outside

    def raise_for_loop_limit(self, length: int = 1) -> None:
        self._turns += length
        if self._turns > MOST_TURNS:
            said = gettext_noop("the template’s loops have too many turns")
            raise LoopIterationLimitError(said, token=None)

    def get_buffer(self, buf: TextIO | None = None) -> StringIO:
        return Buffer(MOST_BYTES - (buf.size if isinstance(buf, LimitedStringIO) else 0))


_make_range = RangeLiteral._make_range


def _bounded_range(literal: RangeLiteral, start: Any, stop: Any) -> range:
    """No range is longer than all loops may be, wherever it stands: to look for something in one,
    or to turn it round, is a single step that no clock of ours interrupts."""
    made = _make_range(literal, start, stop)
    if made.stop - made.start > MOST_TURNS:
        said = gettext_noop("the template’s loops have too many turns")
        raise LoopIterationLimitError(said, token=literal.token)
    return made


# liquid's parser names the class itself: there is no place to put another.
RangeLiteral._make_range = _bounded_range  # type: ignore[assignment,method-assign]


def text_in(values: Mapping[str, object], path: list[Any]) -> str | None:
    """Return the text of that name; None for all that is no plain text."""
    root = path[0]
    found = values.get(root) if type(root) is str and root != "partial" else None
    if len(path) == 2 and type(found) is dict and type(path[1]) is str:
        found = found.get(path[1])
    elif len(path) != 1:
        return None
    return found if type(found) is str else None


class Buffer(LimitedStringIO):
    """Counts the bytes written to it without making them, where it can."""

    def write(self, text: str, /) -> int:
        self.size += len(text) if text.isascii() else len(text.encode())
        if self.size > self.limit:
            raise OutputStreamLimitError("output stream limit reached", token=None)
        return StringIO.write(self, text)


class Template(BoundTemplate):
    """A parsed template, whose values are all in one dictionary. What it writes by the short way
    is written in runs."""

    context_class = Context

    def __init__(self, env: Environment, nodes: list[Node], *args: Any, **kwargs: Any) -> None:
        super().__init__(env, list(_runs(nodes)), *args, **kwargs)

    def make_globals(self, render_args: Mapping[str, object]) -> Mapping[str, object]:
        return render_args

    def _get_buffer(self) -> StringIO:
        return Buffer(MOST_BYTES)


def _runs(nodes: list[Node]) -> Iterator[Node]:
    run: list[Node] = []
    for node in nodes:
        is_quick = _piece(node) is not None
        if run and (not is_quick or len(run) == QUICK_NODES):
            yield _Run(run)
            run = []
        if is_quick:
            run.append(node)
            continue
        _shorten(node)
        yield node
    if run:
        yield _Run(run)


def _shorten(node: Node) -> None:
    """Put runs into the blocks of a tag."""
    no_context: Any = None
    for child in node.children(no_context):
        if isinstance(child, BlockNode):
            child.nodes = list(_runs(child.nodes))
        else:
            _shorten(child)


def _piece(node: Node) -> str | list[Any] | None:
    """Return what a node writes by the short way: a text, or the text of a name."""
    if isinstance(node, ContentNode):
        return node.text
    expression = node.expression if isinstance(node, OutputNode) else None
    if isinstance(expression, FilteredExpression) and not expression.filters:
        return expression.left.path if isinstance(expression.left, Path) else None
    return None


class _Run(Node):
    """Nodes of the short way, one after the other."""

    def __init__(self, nodes: list[Node]) -> None:
        super().__init__(nodes[0].token)
        self.blank = all(node.blank for node in nodes)
        self._nodes = nodes
        self._pieces = [_piece(node) for node in nodes]

    def children(self, *_: object, **__: object) -> list[Node]:
        return self._nodes

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        return sum(node.render(context, buffer) for node in self._nodes)

    def render(self, context: Any, buffer: TextIO) -> int:
        text = self._joined(context.globals, context.autoescape) if context.is_outside() else None
        if text is None:
            return super().render(context, buffer)
        context.count(len(self._pieces))
        return buffer.write(text)

    def _joined(self, values: Mapping[str, object], is_html: bool) -> str | None:
        made, size = [], 0
        for piece in self._pieces:
            if isinstance(piece, str):
                made.append(piece)
                continue
            found = text_in(values, piece) if piece else None
            if found is None:
                return None
            size += len(found)
            if size > MOST_CHARACTERS:
                return None  # what is too much is not put together first
            made.append(escape(found) if is_html else found)
        return "".join(made)


# What was escaped could be written back by these: their result is escaped (again).
_REWRITE = frozenset({"replace", "replace_first", "remove", "remove_first"})


def bounded(name: str, made: Callable[..., Any]) -> Callable[..., Any]:
    """Return the filter with a limit on what it takes and makes. A replacement that would grow
    beyond it is not begun."""

    @wraps(made)
    def limited(*args: Any, **kwargs: Any) -> Any:
        texts = [one for one in args if isinstance(one, str)]
        size = sum(map(len, texts))
        if name == "replace" and len(texts) == 3:
            size = texts[0].count(texts[1]) * len(texts[2]) + len(texts[0])
        if size > MOST_CHARACTERS:
            raise LiquidError(gettext_noop("the text is too large for a filter"), token=None)
        if name in _REWRITE:
            args = (str(args[0]), *args[1:]) if texts and texts[0] is args[0] else args
        return made(*args, **kwargs)

    return limited
