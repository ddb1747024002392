# Every command a person or a machine needs. The environment is kept in .venv, made on first use.
#
# pip, apt and Go take their mirrors and proxies from their own configuration on this machine.

PYTHON ?= python3
BIN := .venv/bin

# The gates, here and nowhere else: percent of lines and branches.
# Core by its unit tests alone, all of src by all suites together.
CORE_GATE := 100
TOTAL_GATE := 95

# Told to pytest; .ci/run sets it.
PYTEST_FLAGS ?=

COMPILE := $(BIN)/pip-compile --quiet --allow-unsafe --generate-hashes --strip-extras \
	--no-emit-find-links --no-emit-index-url --no-emit-trusted-host
COVERAGE := $(BIN)/coverage
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input
CHECKED := src tests tools $(wildcard bench)

.DEFAULT_GOAL := help
.PHONY: help demo test check style types imports unit suites engines bench clean-room lock programs

help: ## Show these targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|' 2>/dev/null \
		|| sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1  \2/p' $(MAKEFILE_LIST)

demo: .venv/run ## Set everything up, deliver a Go service to a real cluster, show the evidence
	@$(BIN)/shipway demo

test: .venv/dev engines ## Set everything up, run all checks and all tests, those on the cluster too
	@$(MAKE) --no-print-directory --jobs=2 --output-sync check unit
	@$(MAKE) --no-print-directory suites

check: style types imports ## Format, lint, types, floors

style: .venv/dev
	@$(BIN)/ruff format --check $(CHECKED)
	@$(BIN)/ruff check $(CHECKED)

types: .venv/dev
	@$(BIN)/mypy

imports: .venv/dev
	@PYTHONPATH=src $(BIN)/lint-imports

unit: .venv/dev ## Run core's unit tests; they alone must cover core
	@rm -rf .venv/coverage
	@tools/measure.sh tests/core --no-skips $(PYTEST_FLAGS)
	@$(COVERAGE) combine --quiet .venv/coverage
	@$(COVERAGE) report --include='src/shipway/core/*' --fail-under=$(CORE_GATE)

suites: .venv/dev engines programs ## Run all other tests; with core's they must cover src
	@tools/measure.sh tests --ignore=tests/core --no-skips $(PYTEST_FLAGS)
	@$(COVERAGE) combine --quiet --append .venv/coverage
	@$(COVERAGE) report --fail-under=$(TOTAL_GATE)

engines: .venv/run ## Build all engines, the tests' too, and say how many seconds each took
	@$(BIN)/python tools/engines.py

programs: # What tests ask for a second opinion, of the distribution's own
	@for one in skopeo umoci ip gcc; do command -v $$one >/dev/null || exec tools/packages.sh skopeo umoci iproute2 gcc libc6-dev; done

bench: .venv/dev engines ## Measure against ko and kubectl; write docs/speed.md's table
	@$(BIN)/python bench/run.py

clean-room: ## Run both README commands in a fresh minimal Debian 12 of their own (needs root or sudo)
	@tools/clean-room.sh

lock: .venv/dev ## Renew requirements/*.txt
	@$(COMPILE) --output-file=requirements/build.txt requirements/build.in
	@$(COMPILE) --output-file=requirements/run.txt pyproject.toml
	@$(COMPILE) --output-file=requirements/dev.txt pyproject.toml requirements/dev.in

.venv/made: tools/venv.sh
	@PYTHON=$(PYTHON) tools/venv.sh .venv
	@touch $@

.venv/run: .venv/made requirements/build.txt requirements/run.txt pyproject.toml
	@echo "Setting up .venv ..."
	@$(INSTALL) --require-hashes -r requirements/build.txt -r requirements/run.txt
	@$(INSTALL) --no-deps --no-build-isolation --no-index --editable .
	@touch $@

.venv/dev: .venv/run requirements/dev.txt
	@echo "Setting up .venv for tests ..."
	@$(INSTALL) --require-hashes -r requirements/dev.txt
	@touch $@
