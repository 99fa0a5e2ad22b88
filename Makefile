# The front door: `make` prints what there is. Needs Python >= 3.11, make and git, nothing else.

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
JOBS ?= 3
ARGS ?=
UPGRADE ?=
UV := 0.13.9
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--custom-compile-command "make lock" $(UPGRADE)

.DEFAULT_GOAL := help
.PHONY: help setup demo test quick fmt lint types docs check-docs check bench lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: $(READY) ## the environment in .venv; every other target makes it when it is not there

demo: $(READY) ## the sandbox, the engine and example automations for 20 seconds, then what happened
	$(BIN)/hightide demo --seconds 20 $(ARGS)

test: $(READY) ## every test, with real Valkey and PostgreSQL
	$(BIN)/pytest -n $(JOBS) --dist worksteal $(ARGS)

quick: $(READY) ## the tests that start no processes
	$(BIN)/pytest -n $(JOBS) -m "not slow" --hypothesis-profile=quick $(ARGS)

fmt: $(READY) ## put the code in its form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lint: $(READY) ## the code's form, and that imports only point down
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(READY) ## mypy, strict
	$(BIN)/mypy

docs: $(READY) ## write the generated reference pages again
	$(BIN)/python -m docs.generate

check-docs: $(READY) ## that the generated pages are as the code would have them
	$(BIN)/python -m docs.generate --check

check: lint types check-docs test ## all of it, as CI does

bench: $(READY) ## a burst of 10,000 contacts: Hightide, plain Celery and bare httpx in one run
	$(BIN)/python -m benchmarks.burst $(ARGS)

lock: $(READY) ## resolve the lock files again; UPGRADE=--upgrade takes newer releases
	$(BIN)/pip install --quiet uv==$(UV)
	$(COMPILE) pyproject.toml --output-file requirements.lock
	$(COMPILE) pyproject.toml --extra dev --constraint requirements.lock --output-file requirements-dev.lock
	echo hatchling | $(COMPILE) - --constraint requirements-dev.lock --output-file requirements-build.lock

clean: ## remove the environment, caches and what was built
	rm -rf $(VENV) .hightide .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# What is installed is what the lock file says; the project itself is installed so that edits take effect at once.
$(READY): requirements-dev.lock pyproject.toml
	@if ! $(BIN)/python -m pip --version >/dev/null 2>&1; then \
		for each in $(PYTHON) python3.12 python3.13 python3.11 python3.14 python3 python; do \
			if $$each -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
				found=$$each; break; \
			fi; \
		done; \
		if [ -z "$$found" ]; then \
			echo "Hightide needs Python 3.11 or newer, with its venv module (on Debian and Ubuntu: python3-venv)." >&2; \
			echo "None was found on the path; name yours: make PYTHON=/path/to/python3.12 ..." >&2; \
			exit 1; \
		fi; \
		echo "Making $(VENV) with $$($$found --version)"; \
		$$found -m venv --clear $(VENV); \
	fi
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
