"""The product's own settings, with what only a test may have: a known secret and a quick password hash."""

import atexit
import os
import re
import tempfile

os.environ.setdefault("SECRET_KEY", "tests-only-" + "0" * 40)
os.environ.setdefault("ALLOWED_HOSTS", "testserver,localhost,127.0.0.1")
os.environ.setdefault("SECURE_SSL_REDIRECT", "off")
os.environ.setdefault("SESSION_COOKIE_SECURE", "off")
# Tests follow one another quicker than any client asks, and number their keys alike; what is about the limit sets it.
os.environ["API_RATE_LIMIT"] = "0"
# Workers of one run share one Redis and number their organizations alike: each has a database of its own there. What
# is published reaches all databases, hence the prefix below.
_worker = os.environ.get("PYTEST_XDIST_WORKER", "")
if _worker and os.environ.get("REDIS_URL"):
    os.environ["REDIS_URL"] = re.sub(r"/\d+$", f"/{int(_worker.removeprefix('gw')) % 16}", os.environ["REDIS_URL"])

from chameleon.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):  # noqa: F405
    # As it is in use: in memory the threads would share one cache, whose locks do not wait.
    # A file for each run, for two may run at once.
    _folder = tempfile.TemporaryDirectory(prefix="chameleon-tests-")
    atexit.register(_folder.cleanup)
    DATABASES["default"]["TEST"] = {"NAME": f"{_folder.name}/test.sqlite3"}  # noqa: F405
# A test moves time itself.
WORKER_IN_SERVER = False
if REDIS_URL:  # noqa: F405
    CHANNEL_LAYERS["default"]["CONFIG"]["prefix"] += _worker  # noqa: F405
# Django's test runner keeps what is sent, by each mailer that there is.
MAILERS = MAILERS or {"default": {}}  # noqa: F405
SILENCED_SYSTEM_CHECKS = ["mail.E001"]
