"""Every setting, in the order a reader asks: core, hosts, apps, database, live, sign-in, security, API, mail, files.

All values come from the environment or an optional `.env` file, which the environment beats.
"""

import hmac
from datetime import timedelta
from pathlib import Path
from typing import Any

from corsheaders.defaults import default_headers
from django.core.management.utils import get_random_secret_key
from django.utils.csp import CSP
from environs import Env, validate

from chameleon import databases, feedback, mail, private_targets, providers, public_url, redis

BASE_DIR = Path(__file__).resolve().parent.parent

env = Env()
env.read_env(BASE_DIR / ".env")
# Everything that is kept between runs, unless DATABASE_URL leads elsewhere.
VAR_DIR: Path = env.path("VAR_DIR", BASE_DIR / "var")

# Core

DEBUG = env.bool("DEBUG", False)
_GIVEN = validate.Length(min=1, error="Must not be empty.")
# With DEBUG off a missing key stops the start: sessions and tokens signed with a guessable key are worth nothing.
SECRET_KEY = env.str("SECRET_KEY", get_random_secret_key()) if DEBUG else env.str("SECRET_KEY", validate=_GIVEN)
# Keys of before: what they signed or sealed is still read while they stand here.
SECRET_KEY_FALLBACKS: list[str] = env.list("SECRET_KEY_FALLBACKS", [])
ROOT_URLCONF = "chameleon.urls"
ASGI_APPLICATION = "chameleon.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-gb"
USE_I18N = False

# Hosts

_LOCAL_HOSTS = ["127.0.0.1", "localhost", "[::1]"]
ALLOWED_HOSTS: list[str] = (
    env.list("ALLOWED_HOSTS", _LOCAL_HOSTS) if DEBUG else env.list("ALLOWED_HOSTS", validate=_GIVEN)
)
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", [])
# Whose pages may call the API from a browser.
CORS_ALLOWED_ORIGINS: list[str] = env.list("CORS_ALLOWED_ORIGINS", [])
CORS_URLS_REGEX = r"^/(api|pilot)/"
CORS_ALLOW_CREDENTIALS = True
CORS_ALLOW_METHODS = ["GET", "HEAD", "POST", "PATCH", "OPTIONS"]
CORS_ALLOW_HEADERS = [*default_headers, "idempotency-key", "x-api-key", "x-organization"]
CORS_EXPOSE_HEADERS = ["Location", "Retry-After", "WWW-Authenticate"]

# Apps. Ours stand after those whose back office they take back, and before the one that has a `runserver` too.

INSTALLED_APPS = [
    "pilots.apps.BackOfficeConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.github",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.mfa",
    "allauth.usersessions",
    "channels",
    "corsheaders",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_htmx",
    "pilots",
    "interventions",
    "django.contrib.staticfiles",
]

# Every one is able to run async, so that a waiting long poll holds no thread.
MIDDLEWARE = [
    "chameleon.prometheus.CountRequests",
    "chameleon.compression.Compressed",
    "chameleon.middleware.NothingIsKept",
    "corsheaders.middleware.CorsMiddleware",
    "chameleon.problems.ProblemDocuments",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]
# The routes take a path with and without its last slash themselves.
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.csp",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# Database: SQLite under var/ is the embedded default, PostgreSQL with psycopg's pool is production.

_database = env.dj_db_url("DATABASE_URL", f"sqlite:///{VAR_DIR / 'chameleon.sqlite3'}")
if databases.is_sqlite(_database):
    VAR_DIR.mkdir(parents=True, exist_ok=True)
DATABASES = databases.databases(
    _database,
    pool=env.int("DATABASE_POOL", 16, validate=validate.Range(min=1)),
    # A copy that follows, from which history and reports are read.
    replica=env.dj_db_url("REPLICA_URL") if env.str("REPLICA_URL", "") else None,
)
DATABASE_ROUTERS = ["pilots.replica.Router"]
# Who owns the tables and migrates them, where that is not the role the server works as.
DATABASE_OWNER: dict[str, Any] = dict(env.dj_db_url("DATABASE_OWNER_URL")) if env.str("DATABASE_OWNER_URL", "") else {}
# Most seconds that a statement of a server may take; commands take the time they need. 0: no limit.
STATEMENT_TIMEOUT = env.int("STATEMENT_TIMEOUT", 30, validate=validate.Range(min=0))

# Live: how server processes tell each other. Without Redis there is one process.

REDIS_URL = env.str("REDIS_URL", "")
CHANNEL_LAYERS = redis.layers(REDIS_URL)
CACHES = redis.caches(REDIS_URL)

# Without Redis there is no other process to do the background work.
WORKER_IN_SERVER = not REDIS_URL

# Most seconds in which a server that is told to stop sends its clients elsewhere and finishes what runs; 0: at once.
DRAIN_SECONDS = env.int("DRAIN_SECONDS", 20, validate=validate.Range(min=0))

# Sign-in

AUTH_USER_MODEL = "pilots.Pilot"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "pilots.sign_in.account_adapter.AccountAdapter"
ACCOUNT_FORMS = {
    "login": "pilots.sign_in.forms.LoginForm",
    "change_password": "pilots.sign_in.forms.ChangePasswordForm",
    "reset_password": "pilots.sign_in.forms.ResetPasswordForm",
}
ACCOUNT_USER_MODEL_USERNAME_FIELD = "pilot_id"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
# Failed tries are counted in pilots.sign_in.tries, for pages and the API alike; good ones are free.
ACCOUNT_RATE_LIMITS = {"login": "", "login_failed": "", "reauthenticate": ""}
# Off: whoever signs in comes from a provider, or by a link that `create_admin` printed.
LOCAL_ACCOUNTS = env.bool("LOCAL_ACCOUNTS", True)

MFA_ADAPTER = "pilots.sign_in.factor_adapter.FactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Chameleon"
# One step each way: a phone's clock may be half a minute off.
MFA_TOTP_TOLERANCE = 1
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_FORMS = {
    "authenticate": "pilots.sign_in.forms.CodeForm",
    "reauthenticate": "pilots.sign_in.forms.CodeAgainForm",
    "authenticate_webauthn": "pilots.sign_in.forms.PasskeyForm",
    "reauthenticate_webauthn": "pilots.sign_in.forms.PasskeyAgainForm",
    "login_webauthn": "pilots.sign_in.forms.PasskeyLoginForm",
    "activate_totp": "pilots.sign_in.forms.ActivateTOTPForm",
}
MFA_RATE_LIMITS = {"webauthn_login": ""}
# On: superusers need a second factor in the back office too, whatever their organizations ask for.
ADMIN_SECOND_FACTOR = env.bool("ADMIN_SECOND_FACTOR", False)

SESSION_ENGINE = "pilots.sign_in.session_store"
# In seconds: not seen for so long, and since the sign-in whatever happens.
SESSION_COOKIE_AGE = 12 * 3600
SESSION_ABSOLUTE_AGE = 7 * 24 * 3600

# Providers: a pilot is who the provider says by its own id, never by an e-mail address.
_providers = providers.read(lambda name: env.str(name, ""))
SOCIALACCOUNT_PROVIDERS = _providers.settings
SIGN_IN_COMPLAINTS = _providers.complaints
SOCIALACCOUNT_ADAPTER = "pilots.sign_in.social.SocialAccountAdapter"
SOCIALACCOUNT_QUERY_EMAIL = True
SOCIALACCOUNT_EMAIL_AUTHENTICATION = SOCIALACCOUNT_EMAIL_AUTHENTICATION_AUTO_CONNECT = False
SOCIALACCOUNT_LOGIN_ON_GET = SOCIALACCOUNT_STORE_TOKENS = False
SOCIALACCOUNT_EMAIL_VERIFICATION = "none"
# An account is connected by whoever proved who they are a moment ago.
SOCIALACCOUNT_REAUTHENTICATION_REQUIRED = True
# Seconds, for each request to a provider.
SOCIALACCOUNT_REQUESTS_TIMEOUT = 5

ACCESS_TOKEN_MINUTES = env.int("ACCESS_TOKEN_MINUTES", 15)
REFRESH_TOKEN_DAYS = 7
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=ACCESS_TOKEN_MINUTES),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=REFRESH_TOKEN_DAYS),
    "ALGORITHM": "HS256",
    # A key of their own: what is signed elsewhere with SECRET_KEY is never a token, and no token is anything else.
    "SIGNING_KEY": hmac.digest(SECRET_KEY.encode(), b"chameleon.tokens", "sha256").hex(),
    "LEEWAY": timedelta(minutes=15),  # of a server's clock: `pilots.tokens` goes by the database's besides
    "ISSUER": "chameleon",
    "AUDIENCE": "chameleon",
}

# Security

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = env.bool("SESSION_COOKIE_SECURE", not DEBUG)
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", not DEBUG)
# How many proxies of ours stand in front, each of which appends to X-Forwarded-For. With 0 that header is not looked
# at: believed without a proxy, it would let a client invent a new address for each guess of a password.
TRUSTED_PROXY_COUNT = ALLAUTH_TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", 0)
# Probes inside a cluster speak plain HTTP.
SECURE_REDIRECT_EXEMPT = [r"^health/?$", r"^ready/?$", r"^metrics/?$"]
# Believed of anybody: who writes it without a proxy only makes the checks of his own requests stricter.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = 0 if DEBUG else 365 * 24 * 3600
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = not DEBUG
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CSP = {
    "default-src": [CSP.NONE],
    "script-src": [CSP.SELF],
    "style-src": [CSP.SELF],
    "img-src": [CSP.SELF, "data:"],
    "font-src": [CSP.SELF],
    "connect-src": [CSP.SELF],
    "manifest-src": [CSP.SELF],
    # The button of a provider is a form. A company's sign-in page that the provider forwards to counts as well.
    "form-action": [CSP.SELF, *_providers.origins, *env.list("SIGN_IN_FORWARD_ORIGINS", [])],
    "base-uri": [CSP.NONE],
    "frame-ancestors": [CSP.NONE],
}
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "chameleon.problems.csrf_failure"
# Opens /metrics from other machines; without it only this one may read them.
METRICS_TOKEN = env.str("METRICS_TOKEN", "")
# The largest body of any route; each route has its own, smaller limit.
DATA_UPLOAD_MAX_MEMORY_SIZE = 4 * 1024 * 1024

# API

# Requests per second and credential, with bursts of four times as many; 0 is off.
API_RATE_LIMIT = env.int("API_RATE_LIMIT", 100)

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["pilots.authentication.CallerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    # Bodies are read by pilots.bodies, which counts them itself.
    "DEFAULT_PARSER_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["chameleon.renderers.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "chameleon.renderers.AlwaysJSON",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "chameleon.problems.exception_handler",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Chameleon",
    "DESCRIPTION": "Agents ask, pilots decide, agents go on.",
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

# Mail: sent only where EMAIL_URL says how, as in smtp+tls://user:password@host:587/?_default_from_email=…

EMAIL_URL = env.str("EMAIL_URL", "")
MAILERS, _sender = mail.mailers(EMAIL_URL)
# Without mailers no page offers what needs one.
SILENCED_SYSTEM_CHECKS = [] if MAILERS else ["mail.W001"]
DEFAULT_FROM_EMAIL = _sender or f"chameleon@{ALLOWED_HOSTS[0]}"
# Where links in what is sent lead. Without it a guess, of which `check` warns where mail is set up.
_PUBLIC_URL = env.str("PUBLIC_URL", "", validate=public_url.leads_there)
PUBLIC_URL = _PUBLIC_URL or public_url.guess(ALLOWED_HOSTS, env.int("PORT", 8000) if DEBUG else None)
IS_PUBLIC_URL_A_GUESS = not _PUBLIC_URL and not DEBUG

# Out: what pilots' browsers and admins name as addresses is called only on the public Internet, and in these networks.

ALLOW_PRIVATE_TARGETS = private_targets.read(env.str("ALLOW_PRIVATE_TARGETS", "off"))
# Whom a push service may write to, mailto: or https:. Default: PUBLIC_URL, else the sender of mail.
VAPID_SUBJECT = env.str("VAPID_SUBJECT", "")

# Feedback: where whoever has something to say about the installation may turn to; offered only where it is set.

FEEDBACK_URL = env.str("FEEDBACK_URL", "", validate=feedback.leads_there)

# Files

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "chameleon.static_files.ReleasedFiles"},
}

# Logging

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "chameleon.log_lines.OneLine",
            "format": "{asctime} {levelname} {name} {message}",
            "style": "{",
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
}
# Where errors are reported to, besides the log.
SENTRY_DSN = env.str("SENTRY_DSN", "")
if SENTRY_DSN:
    # Nobody else waits for its library to be read.
    from chameleon import reporting

    reporting.start(SENTRY_DSN)
