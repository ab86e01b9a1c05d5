# A newcomer needs `make run` and `make test`; `make` alone lists what there is.
.DEFAULT_GOAL := help
.PHONY: help run test check conformance fuzz faults bench requirements words docs screenshots bench-logs

PYTHON := .venv/bin/python
# Loaded before Django, so that tests have a folder and a database of their own.
PYTEST := $(PYTHON) -m pytest -p tests.parts.early -n 2
QUICK := not slow and not browser and not postfix and not dovecot
# Pins hold whatever the configuration of pip here says, and name no address.
COMPILE := CUSTOM_COMPILE_COMMAND="make requirements" PIP_CONFIG_FILE=/dev/null PIP_FIND_LINKS= \
	$(PYTHON) -m piptools compile --quiet --generate-hashes --strip-extras --allow-unsafe \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-emit-options \
	--build-deps-for=editable $(UPGRADE)

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' Makefile

run: ## Start Deskpost on this machine (the first time, install its packages into .venv)
	@scripts/setup_run.sh
	@exec .venv/bin/deskpost run

test: ## Run every check and every test, on SQLite and on PostgreSQL
	@scripts/setup_tests.sh
	@$(MAKE) --no-print-directory _static
	$(PYTEST)
	DESKPOST_TEST_DATABASE=postgresql $(PYTEST)

check: ## Run the checks and the quick tests, in under a minute
	@scripts/setup_tests.sh --packages-only
	@$(MAKE) --no-print-directory _static
	$(PYTEST) -m "$(QUICK)"

conformance: ## Compare with what other projects expect of real mail (DESKPOST_CORPUS: its folder)
	@scripts/setup_tests.sh --packages-only
	@$(PYTHON) -m tests.conformance

fuzz: ## Look for mail that breaks a promise, for a minute (QUICK=1: 20 seconds)
	@scripts/setup_tests.sh --fuzz
	@$(PYTHON) -m tests.fuzz

faults: ## Kill pollers amid 10,000 messages, senders amid 2,000 (QUICK=1: under a minute)
	@scripts/setup_tests.sh
	@$(PYTHON) -m tests.faults.mailbox --protocol imap
	@$(PYTHON) -m tests.faults.mailbox --protocol pop3
	@$(PYTHON) -m tests.faults.outbound

bench: ## Measure against peers, side by side in one run (QUICK=1: under a minute)
	@scripts/setup_tests.sh
	@$(PYTHON) bench/inbound.py
	@$(PYTHON) bench/receive.py
	@$(PYTHON) bench/outbound.py

bench-logs: ## Fill a log with 5 and 10 million messages and search it (hours; 60 GB; QUICK=1: a minute)
	@scripts/setup_tests.sh
	@$(PYTHON) bench/logs.py

.PHONY: _static
_static:
	$(PYTHON) -m ruff check
	$(PYTHON) -m ruff format --check
	$(PYTHON) -m mypy
	.venv/bin/lint-imports

requirements: ## Compile the pins from pyproject.toml again (UPGRADE=--upgrade for newer releases)
	@scripts/setup_tests.sh --packages-only
	@$(PYTHON) -c 'import sys; sys.exit("The pins are made with Python 3.11, the oldest that is supported: run python3.11 -m venv --clear .venv first." if sys.version_info[:2] != (3, 11) else 0)'
	$(COMPILE) --output-file=requirements/run.txt pyproject.toml
	$(COMPILE) --extra dev --constraint requirements/run.txt --output-file=requirements/dev.txt pyproject.toml
	$(COMPILE) --extra fuzz --constraint requirements/run.txt --output-file=requirements/fuzz.txt pyproject.toml
	$(filter-out --build-deps-for=editable,$(COMPILE)) --output-file=requirements/peers.txt requirements/peers.in

words: ## Collect the words of code and templates for translation, and compile what is translated
	@scripts/setup_tests.sh --packages-only
	@scripts/words.sh

docs: ## Write docs/settings.md and docs/reasons.md again
	@scripts/setup_run.sh
	@$(PYTHON) scripts/docs.py

screenshots: ## Take the pictures of README and docs again (needs Chromium)
	@scripts/setup_tests.sh
	@$(PYTHON) scripts/screenshots.py
