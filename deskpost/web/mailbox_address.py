"""The form of an on-demand channel: an address of the site's own domain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from deskpost.mail import address
from deskpost.models import Project, RequestType
from deskpost.web import mailbox_checks as checks

if TYPE_CHECKING:
    Types = forms.ModelChoiceField[RequestType]
else:  # generic for the type checker only
    Types = forms.ModelChoiceField

# Local parts of the site's domain that are not for a project.
RESERVED = frozenset({"noreply", "postmaster", "mailer-daemon", "abuse"})


class OnDemandForm(forms.Form):
    """What stands before the @, and the request type; what comes out is the whole `address`."""

    local = forms.CharField(max_length=320, required=False)
    request_type: Types = forms.ModelChoiceField(RequestType.objects.none())

    def __init__(self, data: Any, project: Project) -> None:
        super().__init__(data)
        self.domain: str = settings.DESKPOST["DOMAIN"]
        offer_types(self, project)

    def clean_local(self) -> str:
        local = self._without_domain(str(self.cleaned_data["local"]).strip())
        if not local:
            raise ValidationError(_("Give what stands before the @."))
        self.cleaned_data["address"] = checks.address_of_channel(f"{local}@{self.domain}")
        refuse_reserved(self.cleaned_data["address"])
        self.refuse_taken()
        return local

    def _without_domain(self, given: str) -> str:
        local, at, domain = given.rpartition("@")
        if at and address.normalise(f"a@{domain}") != address.normalise(f"a@{self.domain}"):
            raise ValidationError(
                _(
                    "This site takes mail for %(domain)s only. For an address elsewhere, add its "
                    "mailbox."
                )
                % {"domain": self.domain}
            )
        return local if at else given

    def refuse_taken(self) -> None:
        """Add the error that names the channel which has the address already."""
        other = checks.same_address(self.cleaned_data["address"])
        if other:
            self.add_error("local", checks.address_taken(other))


def refuse_reserved(given: str) -> None:
    """Raises ValidationError for an address of the site's domain that is the site's own."""
    local, _at, domain = given.rpartition("@")
    ours = address.normalise(f"a@{settings.DESKPOST['DOMAIN']}")
    if local.lower() in RESERVED and address.normalise(f"a@{domain}") == ours:
        raise ValidationError(_("This name is kept for the site itself. Choose another."))


def offer_types(form: forms.BaseForm, project: Project) -> None:
    """Let the form choose among the project's request types; its first one is proposed."""
    types = form.fields["request_type"]
    assert isinstance(types, forms.ModelChoiceField)
    types.queryset = project.request_types.order_by("name", "id")
    types.empty_label = None
    form.initial.setdefault("request_type", project.request_types.order_by("id").first())
    for code in ("required", "invalid_choice"):
        types.error_messages[code] = _("Choose one of this project’s request types.")
