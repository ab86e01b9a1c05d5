"""The forms of a mailbox: with a user name and a password, or at a provider (OAuth 2).

A bound form of a new channel has `address` and `request_type`. That of a channel that there is
has neither: the one is what its requests are answered from, the other is with its settings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from deskpost.models import Mailbox, Project, RequestType
from deskpost.web import mailbox_checks as checks
from deskpost.web.mailbox_address import Types, offer_types, refuse_reserved

if TYPE_CHECKING:
    _OfMailbox = forms.ModelForm[Mailbox]
else:  # generic for the type checker only
    _OfMailbox = forms.ModelForm

Protocol, Security, Afterwards = Mailbox.Protocol, Mailbox.Security, Mailbox.Afterwards

# What can become of a taken message, by protocol: POP3 has no marks and no folders.
AFTERWARDS = {
    Protocol.IMAP: (Afterwards.SEEN, Afterwards.MOVE, Afterwards.DELETE),
    Protocol.POP3: (Afterwards.DELETE, Afterwards.LEAVE),
}
# Where the kept password goes. Whoever may change settings could else lead it to a server of
# their own, and read it there.
WAY_IN = ("protocol", "host", "port", "security", "username")
NO_PORT = gettext_lazy("A port is a number from 1 to 65535.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One of the things that can become of a taken message."""

    value: str
    words: str
    chosen: bool


class _ChannelForm(_OfMailbox):
    """What both forms share: the address, the folders, and that nobody else reads the account."""

    address = forms.CharField(max_length=320, required=False)
    request_type: Types = forms.ModelChoiceField(RequestType.objects.none())
    folder = forms.CharField(max_length=255, required=False)
    field_order = ("address", "protocol")

    def __init__(self, data: Any, project: Project, instance: Mailbox) -> None:
        # Validation changes the instance; the questions are about what was there before.
        self.before = Mailbox.objects.filter(pk=instance.pk).first() if instance.pk else None
        super().__init__(data, instance=instance)
        if self.before:
            del self.fields["address"], self.fields["request_type"]
        else:
            offer_types(self, project)

    @property
    def channel_address(self) -> str:
        """The address that the mailbox is for; empty as long as it is not known."""
        if self.before:
            return self.before.channel.address
        return str(self.cleaned_data.get("address", ""))

    def ways(self, protocol: Mailbox.Protocol) -> list[Way]:
        """Return what can become of a message with this protocol, and what was chosen."""
        known, chosen = AFTERWARDS[protocol], self["afterwards"].value()
        chosen = chosen if chosen in known else known[0]
        return [Way(value=one, words=str(one.label), chosen=one == chosen) for one in known]

    def clean_address(self) -> str:
        given = checks.address_of_channel(self.cleaned_data["address"])
        refuse_reserved(given)
        return given

    def clean_folder(self) -> str:
        return checks.folder(self.cleaned_data["folder"])

    def clean_move_to(self) -> str:
        given = str(self.cleaned_data["move_to"]).strip()
        return checks.folder(given) if given else ""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        self._judge_folders(cleaned)
        self._judge_way_in(cleaned)
        if not self.errors:
            self.refuse_taken()
        return cleaned

    def _judge_way_in(self, cleaned: dict[str, Any]) -> None:
        """Look at what the form itself asks for."""

    def _judge_folders(self, cleaned: dict[str, Any]) -> None:
        """POP3 knows one folder; moving needs to know where."""
        afterwards = cleaned.get("afterwards")
        protocol = cleaned.get("protocol", self.instance.protocol)
        is_pop3 = protocol == Protocol.POP3
        if is_pop3 and cleaned.get("folder", "INBOX") != "INBOX":
            self.add_error("folder", _("POP3 knows no folders. Leave it empty, or choose IMAP."))
        if afterwards and afterwards not in AFTERWARDS[Protocol(protocol)]:
            self.add_error("afterwards", _NOT_SO[Protocol(protocol)])
        elif afterwards != Afterwards.MOVE:
            cleaned["move_to"] = ""
        elif not cleaned.get("move_to") and "move_to" not in self.errors:
            self.add_error("move_to", _("Name the folder that taken messages go to."))
        elif cleaned.get("move_to") == cleaned.get("folder"):
            self.add_error("move_to", _("This is the folder that is read. Name another one."))

    def refuse_taken(self) -> None:
        """Add the errors that name the channels which have the address or read the account."""
        if not self.before and (other := checks.same_address(self.channel_address)):
            self.add_error("address", checks.address_taken(other))
        username, host = self._account()
        folder = self.cleaned_data.get("folder", "INBOX")
        if found := checks.same_account(username, host, folder, self.before):
            self.add_error(self.account_field, checks.read_by(found))

    account_field: str | None = None

    def _account(self) -> tuple[str, str]:
        return self.instance.username or self.channel_address, self.instance.host


_NOT_SO = {
    Protocol.POP3: gettext_lazy(
        "POP3 has no marks and no folders: delete the message, or leave it as it is."
    ),
    Protocol.IMAP: gettext_lazy("With IMAP a taken message is marked as read, moved or deleted."),
}


class ProviderForm(_ChannelForm):
    """A mailbox at a provider: its servers are known, and its sign-in page gives the permission.

    The instance of a new one bears the provider, the protocol and the server already.
    """

    class Meta:
        model = Mailbox
        fields = ("folder", "afterwards", "move_to")


class MailboxForm(_ChannelForm):
    """A mailbox that is read with a user name and a password, which is never sent to a page."""

    account_field = "username"

    host = forms.CharField(max_length=300, required=False)
    port = forms.IntegerField(
        min_value=1,
        max_value=65535,
        required=False,
        error_messages={"invalid": NO_PORT, "min_value": NO_PORT, "max_value": NO_PORT},
    )
    username = forms.CharField(max_length=320, required=False)
    password = forms.CharField(max_length=1000, strip=False, required=False)
    # A way in that is unusual, once the person was told and sent it again all the same.
    way_meant = forms.CharField(max_length=40, required=False)

    class Meta:
        model = Mailbox
        fields = (*WAY_IN, "password", "folder", "afterwards", "move_to")

    def __init__(self, data: Any, project: Project, instance: Mailbox) -> None:
        super().__init__(data, project, instance)
        self.initial["password"] = ""
        self.way_asked = ""  # which unusual way in to ask about
        if not self.before:
            self.initial["port"] = ""

    @property
    def password_again(self) -> bool:
        """Whether a password was sent that has to be given once more: it is never sent back."""
        return bool(self.errors and self.data.get("password"))

    def clean_host(self) -> str:
        given = str(self.cleaned_data["host"]).strip()
        domain = self.channel_address.rpartition("@")[2]
        if given or not domain:  # without an address that has its own error
            return checks.host(given) if given else ""
        is_pop3 = self.cleaned_data.get("protocol") == Protocol.POP3
        return checks.host(f"{'pop' if is_pop3 else 'imap'}.{domain}")

    def clean_username(self) -> str:
        name = str(self.cleaned_data["username"]).strip() or self.channel_address
        return checks.one_line(name)

    def clean_password(self) -> str:
        return checks.one_line(self.cleaned_data["password"])

    def _account(self) -> tuple[str, str]:
        return self.cleaned_data["username"], self.cleaned_data["host"]

    def _judge_way_in(self, cleaned: dict[str, Any]) -> None:
        protocol, security = cleaned.get("protocol"), cleaned.get("security")
        if protocol and security and "port" not in self.errors:
            cleaned["port"] = cleaned.get("port") or checks.usual_port(protocol, security)
            self._judge_port(protocol, cleaned["port"], security)
        if security == Security.NONE and checks.is_public(cleaned.get("host", "")):
            self.add_error("security", _("At a public address the password would be in the clear."))
        self._judge_password(cleaned)

    def _judge_port(self, protocol: str, port: int, security: str) -> None:
        """Ask once about a port that is unusual; sent again, or as it was, it is taken."""
        way = f"{protocol} {port} {security}"
        old = self.before
        meant = {self.cleaned_data.get("way_meant")}
        if old:
            meant.add(f"{old.protocol} {old.port} {old.security}")
        hint = checks.odd_port(protocol, port, security)
        if hint and way not in meant:
            self.way_asked = way
            self.add_error("security", hint)
        elif hint:
            self.way_asked = way  # so that it is not asked again after another error

    def _judge_password(self, cleaned: dict[str, Any]) -> None:
        old = self.before
        if cleaned.get("password") or "password" in self.errors:
            return
        if old is None or not old.password:
            self.add_error("password", _("Give the password of the mailbox."))
        elif any(name in cleaned and cleaned[name] != getattr(old, name) for name in WAY_IN):
            self.add_error(
                "password",
                _(
                    "Give the password again: the kept one is only for the server, port, "
                    "encryption and user name that it was given for."
                ),
            )
        else:
            cleaned["password"] = old.password
