"""Every state of a custom channel's connection, and every problem, with what to do about it.

As in outcomes.py: a code is stored with its facts, the sentence is made when it is shown, and
each list is closed. The connectivity log shows these words, and the server's own beside them.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from deskpost.outcomes import Account

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise as Words


class ConnectionState(StrEnum):
    """How a custom channel stands with its mailbox; also the status of a connectivity row."""

    NEW = "new"  # not connected so far
    CONNECTED = "connected"
    RETRYING = "retrying"
    ATTENTION = "attention"  # a person is needed; it is still tried now and then
    PAUSED = "paused"  # by a person


STATE_WORDS: Mapping[ConnectionState, Words] = {
    ConnectionState.NEW: pgettext_lazy("connection", "Not connected yet"),
    ConnectionState.CONNECTED: pgettext_lazy("connection", "Connected"),
    ConnectionState.RETRYING: pgettext_lazy("connection", "Retrying"),
    ConnectionState.ATTENTION: pgettext_lazy("connection", "Needs attention"),
    ConnectionState.PAUSED: pgettext_lazy("connection", "Paused"),
}


class Family(StrEnum):
    """What kind of problem it is; each kind is counted apart."""

    NETWORK = "network"  # the way there, or a server that is busy: it may pass by itself
    SIGN_IN = "sign_in"
    SETTINGS = "settings"  # trying again changes nothing until a person does something


class Problem(StrEnum):
    """Why a mailbox cannot be reached, or does not let us work."""

    NAME_NOT_FOUND = "name_not_found"
    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    TIMED_OUT = "timed_out"
    DROPPED = "dropped"
    TLS_FAILED = "tls_failed"
    SERVER_BUSY = "server_busy"
    RATE_LIMITED = "rate_limited"
    STRANGE_ANSWER = "strange_answer"
    INTERNAL_ERROR = "internal_error"
    SIGN_IN_REFUSED = "sign_in_refused"
    TOKEN_NOT_REFRESHED = "token_not_refreshed"  # noqa: S105 (the name of a problem)
    GRANT_REVOKED = "grant_revoked"
    PRIVATE_ADDRESS = "private_address"
    CERTIFICATE_UNTRUSTED = "certificate_untrusted"
    CERTIFICATE_EXPIRED = "certificate_expired"
    CERTIFICATE_OTHER_NAME = "certificate_other_name"
    NO_TLS = "no_tls"
    FOLDER_MISSING = "folder_missing"
    READ_ONLY = "read_only"
    QUOTA_FULL = "quota_full"

    @property
    def family(self) -> Family:
        """The kind of problem, which decides how soon it is tried again."""
        if self in _SIGN_IN:
            return Family.SIGN_IN
        return Family.SETTINGS if self in _SETTINGS else Family.NETWORK


_SIGN_IN = {Problem.SIGN_IN_REFUSED, Problem.TOKEN_NOT_REFRESHED, Problem.GRANT_REVOKED}
_SETTINGS = {
    Problem.PRIVATE_ADDRESS,
    Problem.CERTIFICATE_UNTRUSTED,
    Problem.CERTIFICATE_EXPIRED,
    Problem.CERTIFICATE_OTHER_NAME,
    Problem.NO_TLS,
    Problem.FOLDER_MISSING,
    Problem.READ_ONLY,
    Problem.QUOTA_FULL,
}


PROBLEMS: Mapping[Problem, Account] = {
    Problem.NAME_NOT_FOUND: Account(
        words=_("Server name not found"),
        meaning=_("DNS knows no server of this name, or does not answer."),
        remedy=_("Check the server’s name in the channel’s settings."),
    ),
    Problem.UNREACHABLE: Account(
        words=_("Server cannot be reached"),
        meaning=_("No way leads to the server from here: the network, or a firewall, is between."),
        remedy=_("Check the network and its firewall. It is tried again by itself."),
    ),
    Problem.REFUSED: Account(
        words=_("Connection refused"),
        meaning=_("The machine is there, but nothing answers at this port."),
        remedy=_("Check the port, and whether the mail server runs. It is tried again by itself."),
    ),
    Problem.TIMED_OUT: Account(
        words=_("No answer in time"),
        meaning=_("The server did not answer in the time it was given."),
        remedy=_(
            "If it lasts, check the port, and whether a firewall lets Deskpost through. "
            "It is tried again by itself."
        ),
    ),
    Problem.DROPPED: Account(
        words=_("Connection dropped"),
        meaning=_("The server ended the connection in the middle of the work."),
        remedy=_("Nothing is lost: what was not taken is taken at the next try."),
    ),
    Problem.TLS_FAILED: Account(
        words=_("TLS failed"),
        meaning=_("No encrypted connection came about: the server does not speak TLS there."),
        remedy=_("Check port and encryption: 993 and 995 are TLS, 143 and 110 are STARTTLS."),
    ),
    Problem.SERVER_BUSY: Account(
        words=_("Server busy"),
        meaning=_("The server says that it cannot work at the moment."),
        remedy=_("It is tried again by itself."),
    ),
    Problem.RATE_LIMITED: Account(
        words=_("Rate limited"),
        meaning=_("The server wants fewer connections or less traffic from this account."),
        remedy=_(
            "It is tried again later by itself. If it happens often, see what else uses the "
            "account."
        ),
    ),
    Problem.STRANGE_ANSWER: Account(
        words=_("Strange answer"),
        meaning=_("The server answered something that its protocol does not know."),
        remedy=_("Check that the port belongs to the protocol that is chosen."),
    ),
    Problem.INTERNAL_ERROR: Account(
        words=_("Internal error"),
        meaning=_("Something went wrong inside Deskpost while it worked on the mailbox."),
        remedy=_(
            "It is tried again by itself. If it lasts, give your site admin the error id below."
        ),
    ),
    Problem.SIGN_IN_REFUSED: Account(
        words=_("Sign-in refused"),
        meaning=_("The server refuses this user name and password."),
        remedy=_(
            "Change the password in the channel’s settings. Some providers want an app password, "
            "or IMAP and POP3 to be switched on first."
        ),
    ),
    Problem.TOKEN_NOT_REFRESHED: Account(
        words=_("Token not refreshed"),
        meaning=_("The provider gave no new access token. The permission itself may still hold."),
        remedy=_("It is tried again by itself. If it lasts, reconnect the channel."),
    ),
    Problem.GRANT_REVOKED: Account(
        words=_("Permission withdrawn"),
        meaning=_("The permission to read this mailbox was withdrawn or has run out."),
        remedy=_("Reconnect the channel: sign in at the provider again."),
    ),
    Problem.PRIVATE_ADDRESS: Account(
        words=_("Private address not allowed"),
        meaning=_("The server’s name leads to a private or loopback address."),
        remedy=_(
            "If that is meant, the site admin allows its network with DESKPOST_ALLOW_PRIVATE_HOSTS."
        ),
    ),
    Problem.CERTIFICATE_UNTRUSTED: Account(
        words=_("Certificate not trusted"),
        meaning=_("The server’s certificate was made by nobody whom this machine trusts."),
        remedy=_(
            "Have the server use a certificate of a public authority, or let the site admin name "
            "yours with DESKPOST_CA_FILE."
        ),
    ),
    Problem.CERTIFICATE_EXPIRED: Account(
        words=_("Certificate expired"),
        meaning=_("The server’s certificate is past its last day, or before its first."),
        remedy=_("Have the server’s certificate renewed."),
    ),
    Problem.CERTIFICATE_OTHER_NAME: Account(
        words=_("Certificate for another name"),
        meaning=_("The server’s certificate does not hold for this server name."),
        remedy=_("Use a name that the certificate holds for as the server’s name."),
    ),
    Problem.NO_TLS: Account(
        words=_("No encryption offered"),
        meaning=_("The server offers no STARTTLS here, or takes no sign-in without it."),
        remedy=_("Choose TLS on port 993 or 995, or have STARTTLS switched on at the server."),
    ),
    Problem.FOLDER_MISSING: Account(
        words=_("Folder missing"),
        meaning=_("The mailbox has no folder of this name."),
        remedy=_("Choose a folder that there is, or make it in the mailbox."),
    ),
    Problem.READ_ONLY: Account(
        words=_("No right to change the folder"),
        meaning=_("The account may read the folder, but may not mark, move or delete messages."),
        remedy=_("Give the account the right to change the folder."),
    ),
    Problem.QUOTA_FULL: Account(
        words=_("Mailbox full"),
        meaning=_("The mailbox has used up its quota, so that messages cannot be moved in it."),
        remedy=_("Make room in the mailbox, or choose that taken messages are deleted."),
    ),
}


class Notice(StrEnum):
    """What else the connectivity log tells."""

    CONNECTED = "connected"
    CONNECTED_AGAIN = "connected_again"
    RENUMBERED = "renumbered"
    OLD_MAIL_TAKEN = "old_mail_taken"
    SETTINGS_CHANGED = "settings_changed"
    PAUSED = "paused"
    RESUMED = "resumed"


class Step(StrEnum):
    """What a test of the connection goes through, in this order."""

    NAME = "name"
    TCP = "tcp"
    TLS = "tls"
    SIGN_IN = "sign_in"
    FOLDER = "folder"
    RIGHTS = "rights"


STEP_WORDS: Mapping[Step, Words] = {
    Step.NAME: pgettext_lazy("connection step", "Name"),
    Step.TCP: pgettext_lazy("connection step", "Connection"),
    Step.TLS: pgettext_lazy("connection step", "Encryption"),
    Step.SIGN_IN: pgettext_lazy("connection step", "Sign-in"),
    Step.FOLDER: pgettext_lazy("connection step", "Folder"),
    Step.RIGHTS: pgettext_lazy("connection step", "Rights"),
}
