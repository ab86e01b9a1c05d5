"""Django's settings, made from the DESKPOST_* variables of config.py."""

import os
import sys
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.utils.translation import gettext_lazy as _

from deskpost import config, config_values, keys

try:
    DESKPOST: dict[str, Any] = config.read_all(os.environ)
except config.ConfigError as error:
    print(f"Deskpost cannot start. {error}", file=sys.stderr)
    raise SystemExit(78) from None  # EX_CONFIG of sysexits.h

BASE_DIR = Path(__file__).parent
DATA: Path = DESKPOST["DATA"]
KEYS = DATA / "keys"

SECRET_KEY = keys.load(KEYS, "django").hex()
MAIL_KEY = keys.load(KEYS, "mail")
# Fernet keys for the secrets of channels: the first writes, each reads.
CHANNEL_KEYS: list[bytes] = [*DESKPOST["SECRET_KEYS"]] or [
    urlsafe_b64encode(keys.load(KEYS, "channels"))
]

DEBUG: bool = DESKPOST["DEBUG"]
BASE_URL: str = DESKPOST["URL"] or f"http://{DESKPOST['WEB_HOST']}:{DESKPOST['WEB_PORT']}"
_site = urlsplit(BASE_URL)
ALLOWED_HOSTS = sorted({_site.hostname or "localhost", "localhost", "127.0.0.1", "[::1]"})
CSRF_TRUSTED_ORIGINS = [BASE_URL]
_secure = _site.scheme == "https"

INSTALLED_APPS = [
    "deskpost",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "axes",
    "csp",
    "django_htmx",
]

MIDDLEWARE = [
    "deskpost.web.client.ClientMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "deskpost.web.middleware.PersonMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "deskpost.urls"
WSGI_APPLICATION = "deskpost.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "web" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "deskpost.web.context.site",
            ],
            "libraries": {"deskpost": "deskpost.web.templatetags.deskpost"},
        },
    }
]


def _database(chosen: dict[str, Any]) -> dict[str, Any]:
    if chosen["engine"] == "sqlite":
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": chosen["name"] or str(DATA / "deskpost.sqlite3"),
            # Writers take the lock when they begin, so that none fails half-way for want of it;
            # FULL, because 250 is said on the strength of a commit.
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 30,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
            },
        }
    return {
        "ENGINE": "django.db.backends.postgresql",
        **{name.upper(): chosen[name] for name in ("name", "user", "password", "host", "port")},
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"connect_timeout": 5, "application_name": "deskpost"},
    }


DATABASES = {"default": _database(DESKPOST["DATABASE"])}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

STORAGES = {
    "default": {
        "BACKEND": "deskpost.storage.DurableFiles",
        "OPTIONS": {"location": DATA / "files"},
    },
    "raw": {"BACKEND": "deskpost.storage.DurableFiles", "OPTIONS": {"location": DATA / "raw"}},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage",
    },
}
OUTBOX = DATA / "outbox"
RUN = DATA / "run"

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "web" / "static"]
# Files are served from the package itself: there is nothing to collect, and nothing to forget.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG

# --- People -----------------------------------------------------------------------------------
AUTH_USER_MODEL = "deskpost.Person"
# Person.email_key is what is unique, and what is signed in with.
SILENCED_SYSTEM_CHECKS = ["auth.W004"]
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_USER_MODEL_EMAIL_FIELD = "email"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_ADAPTER = "deskpost.web.account.Adapter"
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_USERNAME_FORM_FIELD = "login"
AXES_LOCKOUT_TEMPLATE = "account/locked.html"
AXES_VERBOSE = False
SIGN_IN_LINK_SECONDS = 15 * 60

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _secure
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_NAME = "deskpost_session"
CSRF_COOKIE_NAME = "deskpost_csrf"
LANGUAGE_COOKIE_NAME = "deskpost_language"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if _secure:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 31_536_000

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "frame-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}

# --- Words and times --------------------------------------------------------------------------
USE_I18N = True
USE_TZ = True
LANGUAGE_CODE: str = DESKPOST["LANGUAGE"]
LANGUAGES = [("en", _("English")), ("ja", _("Japanese"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE: str = DESKPOST["TIME_ZONE"]

# Django's own mail (password resets) takes the same road as everything else that is sent.
EMAIL_BACKEND = "deskpost.outbound.backend.RelayBackend"
DEFAULT_FROM_EMAIL = f"Deskpost <noreply@{DESKPOST['DOMAIN']}>"

DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * config_values.MIB
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "deskpost.loglines.OneLine"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": DESKPOST["LOG_LEVEL"].upper()},
    "loggers": {
        "mail.log": {"level": "WARNING"},  # aiosmtpd writes every command at INFO
        "axes": {"level": "WARNING"},
        "botocore": {"level": "INFO"},  # below it writes session tokens and whole answers
        # Whoever sends a foreign Host gets 400; a traceback each time would fill the journal.
        "django.security.DisallowedHost": {"level": "CRITICAL"},
    },
}
