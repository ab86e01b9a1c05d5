"""The addresses of the site."""

from django.urls import URLPattern, URLResolver, include, path, register_converter
from django.views.generic import RedirectView

from deskpost.inbound.channels import webhook
from deskpost.outbound import tracking
from deskpost.web import (
    account,
    acts,
    again,
    audit,
    channels,
    connect,
    converters,
    customers,
    dkim,
    dry_run,
    email_logs,
    exports,
    formatted,
    help_pages,
    home,
    jobs,
    limit_again,
    mail_settings,
    mailbox_acts,
    mailbox_test,
    mailboxes,
    message_templates,
    mute,
    my_notifications,
    new_rows,
    people,
    preview,
    raw_message,
    request_acts,
    request_email,
    requests,
    retention_page,
    rules_page,
    saved_searches,
    sender_acts,
    sending,
    sending_limit,
    suppression,
)

register_converter(converters.Anything, "anything")

CHANNEL: list[URLPattern] = [
    path("", mail_settings.channel, name="channel-settings"),
    path("logs/", channels.logs, name="channel-logs"),
    path("connectivity/", channels.connectivity, name="channel-connectivity"),
    path("mailbox/", mailboxes.edit, name="channel-mailbox"),
    path("authorise/", connect.authorise, name="channel-authorise"),
    path("test/", mailbox_test.test, name="channel-test"),
    path("pause/", mailbox_acts.pause, name="channel-pause"),
    path("resume/", mailbox_acts.resume, name="channel-resume"),
    path("try/", mailbox_acts.try_now, name="channel-try"),
    path("old/", mailbox_acts.take_old, name="channel-take-old"),
    path("remove/", mailbox_acts.remove, name="channel-remove"),
]

REQUEST: list[URLPattern] = [
    path("email/", request_email.show, name="request-email"),
    path("reply/", request_acts.reply, name="reply"),
    path("resolve/", request_acts.resolve, name="resolve"),
    path("reopen/", request_acts.reopen, name="reopen"),
    path("status/", request_acts.status, name="request-status"),
    path("comments/<int:pk>/edit/", request_acts.edit, name="comment-edit"),
    path("participants/", request_acts.add_participant, name="participant-add"),
    path(
        "participants/<int:pk>/remove/", request_acts.remove_participant, name="participant-remove"
    ),
    path("mute/", request_acts.mute, name="request-mute"),
]

PREVIEW_INCOMING: list[URLPattern] = [
    path("preview/", preview.incoming, {"view": "text"}, name="incoming-preview"),
    path("formatted/", preview.incoming, {"view": "formatted"}, name="incoming-formatted"),
    path("headers/", preview.incoming, {"view": "headers"}, name="incoming-headers"),
    path("attachments/", preview.incoming, {"view": "attachments"}, name="incoming-attachments"),
    path("attachments/<int:number>/", preview.incoming_part, name="incoming-part"),
    path("frame/", preview.incoming_frame, name="incoming-frame"),
]

_NOTE = preview.notification
PREVIEW_NOTIFICATION: list[URLPattern] = [
    path("preview/", _NOTE, {"view": "text"}, name="notification-preview"),
    path("formatted/", _NOTE, {"view": "formatted"}, name="notification-formatted"),
    path("headers/", _NOTE, {"view": "headers"}, name="notification-headers"),
    path("attachments/", _NOTE, {"view": "attachments"}, name="notification-attachments"),
    path("attachments/<int:number>/", preview.notification_part, name="notification-part"),
    path("frame/", preview.notification_frame, name="notification-frame"),
    path("raw/", preview.notification_raw, name="notification-raw"),
]

# What can be done with one incoming message, with many, and how far it has come.
ACTS: list[URLPattern] = [
    path("incoming/<uuid:pk>/now/", dry_run.now, name="incoming-now"),
    path("incoming/<uuid:pk>/again/", dry_run.again, name="incoming-again"),
    path("incoming/<uuid:pk>/sender/", sender_acts.show, name="incoming-sender"),
    path("incoming/<uuid:pk>/sender/add/", sender_acts.add, name="incoming-sender-add"),
    path("incoming/<uuid:pk>/sender/remove/", sender_acts.remove, name="incoming-sender-remove"),
    path("acts/", acts.confirm, name="acts"),
    path("acts/start/", acts.start, name="acts-start"),
    path("acts/unblock/", acts.unblock, name="acts-unblock"),
    path("jobs/", jobs.listing, name="jobs"),
    path("jobs/<int:pk>/", jobs.detail, name="job"),
    path("jobs/<int:pk>/cancel/", jobs.cancel, name="job-cancel"),
]

PROJECT: list[URLPattern | URLResolver] = [
    path("", home.project, name="project"),
    path("requests/", requests.listing, name="requests"),
    path("requests/<str:request_key>/", requests.detail, name="request"),
    path("requests/<str:request_key>/", include(REQUEST)),
    path("entries/<int:pk>/formatted/", formatted.entry, name="formatted"),
    path("attachments/<int:pk>/", requests.attachment, name="attachment"),
    path("customers/", customers.listing, name="customers"),
    path("customers/invite/", customers.invite, name="invite"),
    path("email-logs/", email_logs.request_notifications, name="email-logs"),
    path("email-logs/search/", email_logs.search, name="email-logs-search"),
    path("email-logs/new/<str:log>/", new_rows.show, name="log-news"),
    path("email-logs/invitations/", email_logs.invitations, name="email-logs-invitations"),
    path("email-logs/notifications/<uuid:pk>/", email_logs.notification, name="notification"),
    path("email-logs/notifications/<uuid:pk>/unblock/", email_logs.unblock, name="unblock"),
    path("email-logs/notifications/<uuid:pk>/again/", again.send, name="send-again"),
    path("email-logs/notifications/<uuid:pk>/missed/", again.missed, name="missed"),
    path("email-logs/notifications/<uuid:pk>/missed/send/", again.send_ticked, name="send-ticked"),
    path("email-logs/limit/<str:day>/", limit_again.again, name="limit-again"),
    path("email-logs/incoming/", email_logs.incoming, name="email-logs-incoming"),
    path("email-logs/incoming/<uuid:pk>/", email_logs.incoming_email, name="incoming"),
    path("email-logs/incoming/<uuid:pk>/raw/", raw_message.raw, name="raw"),
    path("email-logs/", include(ACTS)),
    path("email-logs/incoming/<uuid:pk>/", include(PREVIEW_INCOMING)),
    path("email-logs/notifications/<uuid:pk>/", include(PREVIEW_NOTIFICATION)),
    path("email-logs/export/<str:page>/<str:form>/", exports.export_list, name="export"),
    path("email-logs/jobs/<int:pk>/file/", exports.file, name="export-file"),
    path("email-logs/jobs/<int:pk>/index/", exports.index, name="export-index"),
    path("email-logs/connectivity/", email_logs.connectivity, name="email-logs-connectivity"),
    path("email-logs/searches/save/", saved_searches.save, name="saved-search-save"),
    path("email-logs/searches/<int:pk>/delete/", saved_searches.delete, name="saved-search-delete"),
    # The page's name in an earlier life; bookmarks still lead here.
    path(
        "customer-notification-logs/",
        RedirectView.as_view(pattern_name="email-logs", permanent=True),
    ),
    path("settings/", channels.settings, name="settings"),
    path("settings/email/channels/", channels.listing, name="channels"),
    path("settings/email/senders/", mail_settings.whose_mail, name="senders"),
    path("settings/email/notifications/", rules_page.rules, name="notification-rules"),
    path("settings/email/channels/add/", mailboxes.add, name="channel-add"),
    path("settings/email/channels/<int:pk>/", include(CHANNEL)),
    path("settings/email/templates/", message_templates.listing, name="templates"),
    path(
        "settings/email/templates/<str:kind>/<str:language>/",
        message_templates.edit,
        name="template",
    ),
    path(
        "settings/email/templates/<str:kind>/<str:language>/standard/",
        message_templates.back_to_standard,
        name="template-standard",
    ),
]

urlpatterns = [
    path("", home.projects, name="home"),
    path("projects/<str:key>/", include(PROJECT)),
    path("sign-in/<str:token>/", account.sign_in_link, name="sign-in-link"),
    path("preferences/", account.preferences, name="preferences"),
    path("me/notifications/", my_notifications.show, name="my-notifications"),
    path("unsubscribe/<str:token>/", account.unsubscribe, name="unsubscribe"),
    path("mute/<str:token>/", mute.mute, name="mute"),
    path("sending/", sending.show, name="sending"),
    path("sending/notices/<int:pk>/dismiss/", sending.dismiss, name="sending-dismiss"),
    path("sending/limit/again/", sending_limit.again, name="sending-limit-again"),
    path("retention/", retention_page.show, name="retention"),
    path("suppression/", suppression.listing, name="suppression"),
    path("suppression/add/", suppression.add, name="suppression-add"),
    path("suppression/<int:pk>/remove/", suppression.remove, name="suppression-remove"),
    path("suppression/export/", suppression.export, name="suppression-export"),
    path("suppression/import/", suppression.take, name="suppression-import"),
    path("sending/dkim/", dkim.dkim, name="dkim"),
    path("people/", people.find, name="people"),
    path("people/<anything:email>/", people.person, name="person"),
    path("audit/", audit.show, name="audit"),
    path("audit/export/", audit.export, name="audit-export"),
    path("help/notification-limits/", help_pages.limits, name="notification-limits"),
    path("help/notification-preferences/", help_pages.preferences, name="notification-preferences"),
    path("accounts/", include("allauth.account.urls")),
    path("oauth/callback/", connect.callback, name="oauth-callback"),
    path("webhooks/<str:provider>/", webhook.receive, name="webhook"),
    path("webhooks/<str:provider>/tracking/", tracking.receive, name="tracking"),
    # Mailgun posts the original only to an address that ends in "mime".
    path("webhooks/mailgun/mime", webhook.receive, {"provider": "mailgun"}),
    path("webhooks/mailgun/mime/", webhook.receive, {"provider": "mailgun"}),
]
