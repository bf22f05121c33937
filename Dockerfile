# One image for the server, the worker and the migrations; compose.yaml shows the three.

FROM python:3.13-slim AS packages
WORKDIR /build
COPY requirements.txt .
# Wheels only: the image has no compiler, and a build must not depend on one.
RUN python -m venv /opt/venv \
 && /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes --only-binary :all: \
    --requirement requirements.txt

FROM python:3.13-slim
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
RUN useradd --uid 10001 --create-home chameleon
COPY --from=packages /opt/venv /opt/venv
WORKDIR /app
COPY . .
# The key signs nothing: settings refuse to load without one, and collecting files needs the settings.
# var/ holds the SQLite file where no DATABASE_URL is given, so the server must be able to write there.
RUN SECRET_KEY=only-for-this-step ALLOWED_HOSTS=localhost python manage.py collectstatic --noinput \
 && mkdir -p var \
 && chown --recursive chameleon:chameleon var
USER 10001
EXPOSE 8000
# In Python, since the image has no curl. The Host header must be one that ALLOWED_HOSTS admits.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 CMD ["python", "-c", "\
import os, urllib.request as web; \
host = os.environ.get('ALLOWED_HOSTS', '').split(',')[0].strip().lstrip('.*') or 'localhost'; \
web.urlopen(web.Request('http://127.0.0.1:8000/health', headers={'Host': host}), timeout=4)"]
CMD ["daphne", "-b", "0.0.0.0", "-p", "8000", "chameleon.asgi:application"]
