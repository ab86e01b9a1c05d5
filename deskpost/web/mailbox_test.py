"""Test connection: a page that grows step by step, while the mailbox is being opened."""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from deskpost.inbound.channels import access, collect, connection
from deskpost.inbound.channels.source import Source
from deskpost.models import AuditEntry, Mailbox, Person, Project, new_id
from deskpost.models.permission import Act
from deskpost.net import Fault
from deskpost.problems import PROBLEMS, STEP_WORDS, ConnectionState, Family, Problem, Step
from deskpost.web import mailbox_facts
from deskpost.web.access import project_view, signed_in
from deskpost.web.mailboxes import find

log = logging.getLogger(__name__)

# Where the page is cut in two. Nothing from outside can hold it: that is escaped.
MARK = "<!-- the steps -->"


@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
@project_view(Act.CHANGE_SETTINGS)
def test(request: HttpRequest, project: Project, pk: int) -> HttpResponseBase:
    """Offer to test a mailbox (GET), or open it and show each step when it is done (POST)."""
    mailbox = find(project, pk)
    values = {"project": project, "channel": mailbox.channel, "mailbox": mailbox}
    if request.method != "POST":
        return render(request, "channels/test.html", values | {"steps": STEP_WORDS.values()})
    AuditEntry.objects.create(
        person=signed_in(request),
        project=project,
        act=AuditEntry.Act.SETTINGS,
        subject=mailbox.channel.address,
        details={"act": "test"},
    )
    page = render_to_string("channels/test.html", values | {"mark": MARK, "runs": True}, request)
    head, _mark, foot = page.partition(MARK)
    trial = Trial(request=request, mailbox=mailbox, person=signed_in(request))
    response = StreamingHttpResponse(_whole(head, trial, foot))
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"  # or nginx would show it only when it is over
    return response


# A slow server holds a thread of the web server: half of them stay for everything else.
_threads = threading.BoundedSemaphore(max(1, settings.DESKPOST["WEB_THREADS"] // 2))


def _whole(head: str, trial: Trial, foot: str) -> Iterator[str]:
    yield head
    if _threads.acquire(blocking=False):
        try:
            with closing(trial.run()) as pieces:  # also when the reader is gone
                yield from pieces
        finally:
            _threads.release()
    else:
        yield trial.busy()
    yield foot


@dataclass(slots=True)
class Trial:
    """One test: opens the mailbox and tells of it. The mailbox's state is the poller's to note."""

    request: HttpRequest
    mailbox: Mailbox
    person: Person
    left: list[Step] = field(default_factory=lambda: list(Step))
    # The page is made after the middleware is through: it has taken its language along.
    language: str = field(default_factory=translation.get_language)
    zone: Any = field(default_factory=timezone.get_current_timezone)

    def run(self) -> Generator[str, None, None]:
        """Yield the page's pieces; whatever happens, the last one says how it ended."""
        source: Source | None = None
        try:
            opening = access.opening(access.account(self.mailbox))
            with closing(opening):
                while source is None:
                    yield self._trying()
                    try:
                        done = next(opening)
                    except StopIteration as end:
                        source = end.value
                    else:
                        yield self._line(done.step, done.facts)
            end_piece = self._connected(source)
        except Fault as fault:
            end_piece = self._failed(fault)
        except Exception as error:  # noqa: BLE001 (the page has begun: it must end)
            end_piece = self._failed(_our_fault(self.mailbox, error))
        finally:
            if source is not None:
                source.close()
        yield end_piece

    def busy(self) -> str:
        """Say that too many other tests are running."""
        return self._piece("test_busy.html")

    def _trying(self) -> str:
        """Say which step is under way; the style sheet hides it once another line follows."""
        if not self.left:
            return ""
        return self._step(self.left[0], state="trying")

    def _line(self, step: Step, facts: Mapping[str, Any]) -> str:
        """Tell of a step that is done. One that was passed over needs no line."""
        if step in self.left:
            del self.left[: self.left.index(step) + 1]
        return self._step(step, state="done", found=facts)

    def _step(self, step: Step, **more: Any) -> str:
        return self._piece("test_step.html", step=STEP_WORDS[step], **more)

    def _connected(self, source: Source) -> str:
        """Begin with a new mailbox, and have the poller go on with it now."""
        is_new, old = self.mailbox.begun_at is None, 0
        if is_new:
            old = collect.begin(self.mailbox, source)
        if self.mailbox.state != ConnectionState.CONNECTED:
            connection.try_now(self.mailbox)
        is_paused = self.mailbox.state == ConnectionState.PAUSED
        return self._piece("test_good.html", is_new=is_new, old=old, is_paused=is_paused)

    def _failed(self, fault: Fault) -> str:
        step, account = self._failed_step(fault), PROBLEMS[fault.problem]
        pieces = []
        if step is not None:
            pieces.append(self._step(step, state="failed", words=account.words))
            if step in self.left:
                self.left.remove(step)
        pieces += [self._step(one, state="untried") for one in self.left]
        pieces.append(
            self._piece(
                "test_failed.html",
                account=account,
                said=fault.said,
                found=fault.facts,
                error_id=fault.facts.get("id", ""),
            )
        )
        return "".join(pieces)

    def _failed_step(self, fault: Fault) -> Step | None:
        """Return where it failed. A token is fetched before all steps, but for signing in."""
        if fault.step is None and fault.problem.family == Family.SIGN_IN:
            return Step.SIGN_IN
        return fault.step or (self.left[0] if self.left else None)

    def _piece(self, template: str, found: Mapping[str, Any] | None = None, **values: Any) -> str:
        """Make a piece of the page; `found` holds the facts that it tells."""
        channel = self.mailbox.channel
        with self._tongue():
            whole = {
                "project": channel.project,
                "channel": channel,
                "mailbox": self.mailbox,
                "facts": mailbox_facts.told(found or {}),
                **values,
            }
            return render_to_string(f"channels/{template}", whole, self.request)

    @contextmanager
    def _tongue(self) -> Iterator[None]:
        with translation.override(self.language), timezone.override(self.zone):
            yield


def _our_fault(mailbox: Mailbox, error: Exception) -> Fault:
    error_id = str(new_id())
    trace = "".join(traceback.format_exception(error))
    log.error("test of channel %s failed (%s):\n%s", mailbox.pk, error_id, trace)
    return Fault(Problem.INTERNAL_ERROR, error=type(error).__name__, id=error_id)
