"""The addresses of the site."""

from django.urls import include, path
from django.views.generic import RedirectView

from deskpost.web import (
    account,
    channels,
    customers,
    email_logs,
    formatted,
    help_pages,
    home,
    mail_settings,
    requests,
)

PROJECT = [
    path("", home.project, name="project"),
    path("requests/", requests.listing, name="requests"),
    path("requests/<str:request_key>/", requests.detail, name="request"),
    path("requests/<str:request_key>/reply/", requests.reply, name="reply"),
    path("requests/<str:request_key>/resolve/", requests.resolve, name="resolve"),
    path("requests/<str:request_key>/reopen/", requests.reopen, name="reopen"),
    path("entries/<int:pk>/formatted/", formatted.entry, name="formatted"),
    path("attachments/<int:pk>/", requests.attachment, name="attachment"),
    path("customers/", customers.listing, name="customers"),
    path("customers/invite/", customers.invite, name="invite"),
    path("email-logs/", email_logs.request_notifications, name="email-logs"),
    path("email-logs/invitations/", email_logs.invitations, name="email-logs-invitations"),
    path("email-logs/notifications/<uuid:pk>/", email_logs.notification, name="notification"),
    path("email-logs/notifications/<uuid:pk>/unblock/", email_logs.unblock, name="unblock"),
    path("email-logs/incoming/", email_logs.incoming, name="email-logs-incoming"),
    path("email-logs/incoming/<uuid:pk>/", email_logs.incoming_email, name="incoming"),
    path("email-logs/incoming/<uuid:pk>/raw/", email_logs.raw, name="raw"),
    # The page's name in an earlier life; bookmarks still lead here.
    path(
        "customer-notification-logs/",
        RedirectView.as_view(pattern_name="email-logs", permanent=True),
    ),
    path("settings/", channels.settings, name="settings"),
    path("settings/email/channels/", channels.listing, name="channels"),
    path("settings/email/channels/<int:pk>/", mail_settings.channel, name="channel-settings"),
    path("settings/email/senders/", mail_settings.whose_mail, name="senders"),
    path("settings/email/channels/<int:pk>/logs/", channels.logs, name="channel-logs"),
]

urlpatterns = [
    path("", home.projects, name="home"),
    path("projects/<str:key>/", include(PROJECT)),
    path("sign-in/<str:token>/", account.sign_in_link, name="sign-in-link"),
    path("preferences/", account.preferences, name="preferences"),
    path("unsubscribe/<str:token>/", account.unsubscribe, name="unsubscribe"),
    path("help/notification-limits/", help_pages.limits, name="notification-limits"),
    path("help/notification-preferences/", help_pages.preferences, name="notification-preferences"),
    path("accounts/", include("allauth.account.urls")),
]
