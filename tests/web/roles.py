"""Who gets what at each address: written by hand, and to be read.

One line for each name of deskpost/urls.py and method, with a letter for each role:

    nobody      not signed in
    site_admin  a site admin, without a part in the project
    admin       the project's admin
    agent       an agent of the project
    customer    a customer of the project
    stranger    signed in, without a part in any project
    other       the admin of another project

    i  led to the sign-in            +  the page, or the file
    -  403: a page that says why     >  done, and led on; or led to where it is
    0  404: as if it was not there   !  422: what was posted cannot be taken
    ?  400                           g  410: a link that is spent or none
    m  405: not by this method

The first column is a company-managed project; the second a team-managed one, where it differs. A
method without a line is answered with 405, whoever asks.
"""

from __future__ import annotations

from dataclasses import dataclass

#                nobody · site_admin · admin · agent · customer · stranger · other
DESK = """
project                        GET   i>>>+00
requests                       GET   i+++-00
request                        GET   i+++-00
request-email                  GET   i++--00  i00--00
reply                          GET   i>>>-00
reply                          POST  i>>>-00
resolve                        GET   i>>>-00
resolve                        POST  i>>>-00
reopen                         GET   i>>>-00
reopen                         POST  i>>>-00
request-status                 GET   i>>>-00
request-status                 POST  i>>>-00
comment-edit                   GET   i00>-00
comment-edit                   POST  i00>-00
participant-add                GET   i>>>-00
participant-add                POST  i>>>-00
participant-remove             GET   i>>>-00
participant-remove             POST  i>>>-00
request-mute                   GET   i>>>-00
request-mute                   POST  i>>>-00
formatted                      GET   i+++-00
attachment                     GET   i+++-00
customers                      GET   i+++-00
invite                         GET   i>>>-00
invite                         POST  i>>>-00
"""

LOGS = """
email-logs                     GET   i++--00  i00--00
email-logs-search              GET   i++--00  i00--00
email-logs-invitations         GET   i++--00  i00--00
email-logs-incoming            GET   i++--00  i00--00
email-logs-connectivity        GET   i++--00  i00--00
log-news                       GET   i++--00
notification                   GET   i++--00  i00--00
incoming                       GET   i++--00  i00--00
raw                            GET   i++--00
incoming-preview               GET   i++--00
incoming-formatted             GET   i++--00
incoming-headers               GET   i++--00
incoming-attachments           GET   i++--00
incoming-part                  GET   i++--00
incoming-frame                 GET   i++--00
incoming-frame                 POST  i++--00
notification-preview           GET   i++--00  i00--00
notification-formatted         GET   i++--00  i00--00
notification-headers           GET   i++--00  i00--00
notification-attachments       GET   i++--00  i00--00
notification-part              GET   i++--00  i00--00
notification-frame             GET   i++--00  i00--00
notification-frame             POST  i++--00  i00--00
notification-raw               GET   i++--00  i00--00
saved-search-save              POST  i>>--00  i00--00
saved-search-delete            POST  i0>--00  i00--00
"""

ACTS = """
unblock                        POST  i>>--00  i00--00
send-again                     POST  i>>--00  i00--00
missed                         GET   i++--00  i00--00
send-ticked                    POST  i>>--00  i00--00
limit-again                    GET   i++--00  i00--00
limit-again                    POST  i>>--00  i00--00
incoming-now                   GET   i++--00  i00--00
incoming-again                 POST  i>>--00  i00--00
incoming-sender                GET   i++--00  i00--00
incoming-sender-add            POST  i>>--00  i00--00
incoming-sender-remove         POST  i>>--00  i00--00
acts                           POST  i++--00  i00--00
acts-start                     POST  i>>--00  i00--00
acts-unblock                   POST  i++--00  i00--00
jobs                           GET   i++--00  i00--00
job                            GET   i++--00  i00--00
job-cancel                     POST  i>>--00  i00--00
export                         GET   i++--00
export                         POST  imm--00
export-file                    GET   i00--00
export-index                   GET   i00--00
"""

SETTINGS = """
settings                       GET   i>>--00
channels                       GET   i++--00
senders                        GET   i++--00
senders                        POST  i>>--00
notification-rules             GET   i++--00
notification-rules             POST  i>>--00
templates                      GET   i++--00
template                       GET   i++--00
template                       POST  i>>--00
template-standard              POST  i>>--00
"""

CHANNELS = """
channel-add                    GET   i++--00
channel-add                    POST  i++--00
channel-settings               GET   i++--00
channel-settings               POST  i!!--00
channel-logs                   GET   i++--00
channel-connectivity           GET   i++--00
channel-mailbox                GET   i++--00
channel-mailbox                POST  i!!--00
channel-authorise              GET   i>>--00
channel-authorise              POST  i00--00
channel-test                   GET   i++--00
channel-test                   POST  i++--00
channel-pause                  POST  i>>--00
channel-resume                 POST  i>>--00
channel-try                    POST  i>>--00
channel-take-old               POST  i>>--00
channel-remove                 GET   i++--00
channel-remove                 POST  i>>--00
"""

# No project in the address. What a reader of logs may ask of the whole site depends on the project
# in which they are one: the second column is for a site with none but a team-managed one, and HR.
SITE = """
home                           GET   i+>>>+>
people                         GET   i++---+  i+----+
person                         GET   i++---0  i+----0
person                         POST  i>>---0  i>----0
audit                          GET   i+-----
audit-export                   GET   i+-----
retention                      GET   i+-----
sending                        GET   i+-----
sending-dismiss                POST  i>-----
sending-limit-again            POST  i>-----
dkim                           GET   i+-----
dkim                           POST  i>-----
suppression                    GET   i+-----
suppression-add                GET   i>-----
suppression-add                POST  i>-----
suppression-remove             POST  i>-----
suppression-export             GET   i+-----
suppression-import             GET   i>-----
suppression-import             POST  i!-----
"""

# Of oneself, by a link that bears a token, or for a machine that proves itself.
ONESELF = """
preferences                    POST  >>>>>>>
my-notifications               GET   i++++++
my-notifications               POST  i>>>>>>
notification-limits            GET   +++++++
notification-preferences       GET   +++++++
sign-in-link                   GET   ggggggg
sign-in-link                   POST  ggggggg
unsubscribe                    GET   0000000
unsubscribe                    POST  0000000
mute                           GET   0000000
mute                           POST  0000000
oauth-callback                 GET   i??????
webhook                        GET   0000000
webhook                        POST  0000000
tracking                       GET   0000000
tracking                       POST  0000000
account_login                  GET   +>>>>>>
account_login                  POST  +>>>>>>
account_logout                 GET   >++++++
account_logout                 POST  >>>>>>>
account_inactive               GET   +++++++
account_signup                 GET   0000000
account_signup                 POST  0000000
account_reauthenticate         GET   0000000
account_reauthenticate         POST  0000000
account_email                  GET   0000000
account_email                  POST  0000000
account_email_verification_sent      GET   0000000
account_email_verification_sent      POST  0000000
account_change_password        GET   i>>>>>>
account_change_password        POST  i>>>>>>
account_set_password           GET   i++++++
account_set_password           POST  i++++++
account_reset_password         GET   +++++++
account_reset_password         POST  +++++++
account_reset_password_done    GET   +++++++
account_reset_password_from_key      GET   +++++++
account_reset_password_from_key      POST  +++++++
account_reset_password_from_key_done GET   +++++++
account_confirm_login_code     GET   0000000
account_confirm_login_code     POST  0000000
account_confirm_email          GET   0000000
account_confirm_email          POST  0000000
"""

PARTS = {
    "desk": DESK,
    "logs": LOGS,
    "acts": ACTS,
    "settings": SETTINGS,
    "channels": CHANNELS,
    "site": SITE,
    "oneself": ONESELF,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What each role gets at an address, in a company- and in a team-managed project."""

    name: str
    method: str
    company: str
    team: str


def rows(part: str) -> list[Row]:
    """Read a part of the table."""
    found = []
    for line in PARTS[part].strip().splitlines():
        name, method, company, *team = line.split()
        found.append(Row(name=name, method=method, company=company, team=(team or [company])[0]))
    return found
