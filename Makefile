# Everything a developer does, one word each; `make help` lists the words.
# Needs only Python 3.13 or newer: the virtual environment is made on first use and again when the pins change.

VENV := .venv
PYTHON := $(VENV)/bin/python
# -qq: the pins are the news, pip's remarks about mirrors and caches are not; errors still show.
PIP_INSTALL := $(PYTHON) -m pip install -qq --disable-pip-version-check --require-hashes
LOCK_VENV := .lock-venv

# Passed on to pytest: make test ARGS="-k claim"
ARGS ?=
# pytest exits 5 when it selects nothing, which ARGS may well do in one of the two runs.
SERVICES := exec $(PYTHON) tests/services $(if $(ARGS),--tolerate 5)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test audit faults rehearsal bench screenshots lint format lock access-table clean
.SILENT:

help: ## List what make can do
	awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/.installed ## Set everything up and serve on http://127.0.0.1:8000 (PORT=...)
	exec $(PYTHON) manage.py quickstart

test: $(VENV)/.installed-dev ## Run all tests, on PostgreSQL with Redis, then on SQLite (ARGS="-k ...")
	$(SERVICES) -- $(PYTHON) -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)
	$(SERVICES) --embedded -- $(PYTHON) -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m embedded $(ARGS)

# Timed, and so not among the tests.
audit: $(VENV)/.installed-dev ## Hold the pages against Lighthouse, served as in production (ARGS="--verbose"; needs Node 20)
	$(SERVICES) -- $(PYTHON) -m tests.audit $(ARGS)

faults: $(VENV)/.installed-dev ## Do faults to real processes under load and check what held (ARGS="database_away ...")
	$(SERVICES) -- $(PYTHON) -m bench.faults $(ARGS)

rehearsal: $(VENV)/.installed-dev ## Validate for ten minutes while a release with a migration is rolled out, and back
	$(SERVICES) -- $(PYTHON) -m bench.rehearsal $(ARGS)

bench: $(VENV)/.installed-dev ## Measure speed and memory, each figure beside its floor (ARGS="creates --servers uvicorn")
	$(SERVICES) -- $(PYTHON) -m bench.speed $(ARGS)

screenshots: $(VENV)/.installed-dev ## Take the pictures in docs/screenshots anew (ARGS="FOLDER [PICTURE...]")
	$(SERVICES) --embedded -- $(PYTHON) -m tests.e2e.screenshots $(ARGS)

# Settings need a secret and a host name or DEBUG; nothing is served here.
lint: export DEBUG = 1
lint: $(VENV)/.installed-dev ## Check style, types, templates and migrations
	$(PYTHON) -m ruff check
	$(PYTHON) -m ruff format --check
	$(PYTHON) -m mypy
	$(PYTHON) -m djlint --check --lint templates
	$(VENV)/bin/djade --target-version 6.1 --check $$(find templates -name '*.html')
	$(PYTHON) manage.py makemigrations --check --dry-run
	$(PYTHON) manage.py check
	DEBUG=0 SECRET_KEY=$$($(PYTHON) -c "import secrets; print(secrets.token_urlsafe(50))") ALLOWED_HOSTS=chameleon.example.com \
	  $(PYTHON) manage.py check --deploy --fail-level WARNING

format: $(VENV)/.installed-dev ## Rewrite Python and templates in the house style
	$(PYTHON) -m ruff check --fix
	$(PYTHON) -m ruff format
	$(VENV)/bin/djade --target-version 6.1 $$(find templates -name '*.html') || true
	$(PYTHON) -m djlint --quiet --reformat templates

lock: ## Pin the dependencies of pyproject.toml anew, with hashes (UPGRADE=1 for the newest)
	[ -x $(LOCK_VENV)/bin/uv ] || { $(MAKE) --no-print-directory $(LOCK_VENV)/bin/python && $(LOCK_VENV)/bin/python -m pip install -qq uv; }
	for list in "requirements.txt" "requirements-dev.txt --group dev --constraints requirements.txt"; do \
	  $(LOCK_VENV)/bin/uv pip compile pyproject.toml --quiet --universal --python-version 3.13 --generate-hashes \
	    --custom-compile-command "make lock" $(if $(UPGRADE),--upgrade) --output-file $$list || exit 1; \
	done

access-table: $(VENV)/.installed-dev ## Write tests/access_table.txt anew: who may do what. Read the difference!
	WRITE_ACCESS_TABLE=1 $(PYTHON) -m pytest -q tests/test_access.py
	git diff --stat tests/access_table.txt

clean: ## Remove environments, caches and what tests left; the data under var/ stays
	rm -rf $(VENV) $(LOCK_VENV) .services .mypy_cache .ruff_cache .pytest_cache .hypothesis staticfiles test-results
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# One environment serves both: the development pins contain the runtime pins.
$(VENV)/.installed: requirements.txt
	$(MAKE) --no-print-directory $(PYTHON)
	echo "Installing requirements (once, until they change) ..."
	$(PIP_INSTALL) --requirement requirements.txt
	touch $@

$(VENV)/.installed-dev: requirements-dev.txt requirements.txt
	$(MAKE) --no-print-directory $(PYTHON)
	echo "Installing development requirements (once, until they change) ..."
	$(PIP_INSTALL) --requirement requirements-dev.txt
	touch $(VENV)/.installed $@

# `python3.13` may be a pyenv shim that answers only where its version is chosen, so each candidate is asked to run.
# An environment of a Python that has gone since is made anew.
%/bin/python: FORCE
	$@ -c "" 2>/dev/null && exit; \
	for python in python3.13 python3 python; do \
	  $$python -c 'import sys; sys.exit(sys.version_info < (3, 13))' 2>/dev/null || continue; \
	  $$python -c 'import ensurepip, venv' 2>/dev/null || { \
	    echo "$$python has no venv module. On Debian or Ubuntu: apt-get install python3-venv" >&2; exit 1; }; \
	  rm -rf $*; exec $$python -m venv $*; \
	done; \
	echo "Chameleon needs Python 3.13 or newer, and neither python3.13 nor python3 is." >&2; \
	echo "Install it: 'apt-get install python3.13 python3.13-venv' (Debian 13), 'pyenv install 3.13'," >&2; \
	echo "'brew install python@3.13' or https://www.python.org/downloads/, then run make again." >&2; \
	exit 1

FORCE:
