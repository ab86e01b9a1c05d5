"""What would happen now: a kept message under today's settings, beside what happened then; and
Process again, which does it."""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass, replace
from typing import Any

from django.contrib import messages
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from deskpost import journey
from deskpost.inbound.settle import MADE, NotAgain
from deskpost.logs import explain_incoming, queries, trails
from deskpost.logs.explain import Step, Told
from deskpost.models import InboundEmail, Project
from deskpost.models.permission import Act
from deskpost.outcomes import OUTCOMES, RULE_WORDS, Outcome, Rule
from deskpost.web import entry_acts, listing
from deskpost.web.access import project_view, signed_in
from deskpost.web.email_logs import company_managed

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two columns: what a run came to."""

    row: InboundEmail
    told: Told


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One rule in both trails; None where it was not asked."""

    words: str
    then: Step | None
    now: Step | None

    @property
    def differs(self) -> bool:
        """Whether the rule answered otherwise, or decided in one of the two only."""
        return _answer(self.then) != _answer(self.now)


def _answer(step: Step | None) -> tuple[str, bool] | None:
    return (step.answer, step.decides) if step else None


@require_safe
@project_view(Act.REPROCESS)
@company_managed
def now(request: HttpRequest, project: Project, pk: uuid.UUID) -> HttpResponse:
    """Show what today's settings would make of the message. Nothing is written."""
    row = _row(project, pk)
    query = f"?{request.GET.urlencode()}" if request.GET else ""
    context: dict[str, Any] = {
        "project": project,
        "row": row,
        "sender": row.sender or row.envelope_from,
        "back": reverse("incoming", args=[project.key, row.pk]) + query,
        "acts": entry_acts.incoming(project, row, query),
    }
    trouble, found = _rehearsed(row)
    if found is None:
        return render(request, "email_logs/now.html", context | {"trouble": trouble})
    then, would = _side(row), _side(found)
    context |= {
        "then": then,
        "now": would,
        "same": row.outcome == found.outcome and row.request_key == found.request_key,
        "rungs": _rungs(row, found),
    }
    return render(request, "email_logs/now.html", context)


def _row(project: Project, pk: uuid.UUID) -> InboundEmail:
    row = queries.incoming_email(project, pk)
    if row is None:
        raise Http404
    return row


def _rehearsed(row: InboundEmail) -> tuple[str, InboundEmail | None]:
    """Return why there is no answer, or the answer."""
    if row.due_at is not None:
        return _("It waits to be processed: that will show what happens."), None
    if not row.raw_key:
        return _("Nothing of this message was kept, so there is nothing to read again."), None
    try:
        return "", journey.preview(row)
    except FileNotFoundError:
        return _("Its raw message is gone, so there is nothing to read again."), None
    except OSError:
        return _("Its raw message cannot be read just now. Try again in a while."), None
    except DatabaseError:
        raise
    except Exception:
        log.exception("message %s failed in a rehearsal", row.pk)
        return _("Deskpost fails on this message. To quote: %(id)s") % {"id": row.pk}, None


def _side(row: InboundEmail) -> Side:
    told = explain_incoming.incoming(row, listing.utc_now())
    # What it would become has no key yet.
    return Side(row=row, told=told)


def _rungs(then: InboundEmail, would: InboundEmail) -> list[Rung]:
    before, after = _steps(then), _steps(would)
    rules = [rule for rule in Rule if rule in before or rule in after]
    return [
        Rung(words=str(RULE_WORDS[rule]), then=before.get(rule), now=after.get(rule))
        for rule in rules
    ]


def _steps(row: InboundEmail) -> dict[Rule, Step]:
    """Return what each rule that was asked has answered; one that stopped the message decides."""
    stored = trails.entries(row)
    steps = {Rule(entry["rule"]): trails.rule_step(Rule(entry["rule"]), entry) for entry in stored}
    outcome = Outcome(row.outcome) if row.outcome in set(Outcome) else None
    if steps and outcome and OUTCOMES[outcome].status != "success":
        last = next(reversed(steps))
        words = str(OUTCOMES[outcome].words)
        steps[last] = replace(steps[last], answer=words, decides=True)
    return steps


@require_POST
@project_view(Act.REPROCESS)
@company_managed
def again(request: HttpRequest, project: Project, pk: uuid.UUID) -> HttpResponse:
    """Process the message again, and show its entry with what it came to. `run` is the run that
    the page showed: where another was quicker, nothing is done."""
    row = _row(project, pk)
    query = f"?{request.GET.urlencode()}" if request.GET else ""
    entry = HttpResponseRedirect(reverse("incoming", args=[project.key, row.pk]) + query)
    if request.POST.get("run") not in {None, str(row.run)}:
        messages.info(request, _("It was processed again already. Nothing was done twice."))
        return entry
    try:
        done = journey.reprocess(row, signed_in(request))
    except NotAgain:
        messages.info(request, _not_again(_row(project, pk)))
    except OSError:
        said = _("Its raw message cannot be read just now. Nothing was changed: try again later.")
        messages.error(request, said)
    except DatabaseError:
        raise
    except Exception:
        log.exception("message %s failed when it was processed again", row.pk)
        said = _("Deskpost failed on it and changed nothing. To quote: %(id)s") % {"id": row.pk}
        messages.error(request, said)
    else:
        words = str(OUTCOMES[Outcome(done.outcome)].words)
        messages.success(request, _("It was processed again: %(outcome)s") % {"outcome": words})
    return entry


def _not_again(row: InboundEmail) -> str:
    if row.due_at is not None:
        return _("It waits to be processed already. Nothing was done twice.")
    if row.outcome not in MADE:
        return _("It was processed again already. Nothing was done twice.")
    said = _("It has become %(key)s already. A message makes one request or comment, ever.")
    return said % {"key": row.request_key or _("a request")}
