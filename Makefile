# Everything is set up inside this folder, in .venv; nothing has to be installed or activated before.
# PYTHON=… names the interpreter to use; by default the first one found that is new enough.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL: # each mypy run uses the cache of the one before

PYTHONS := python3 python3.14 python3.13 python3.12 python3.11
BIN := .venv/bin
READY := .venv/.ready
FUNCTIONS := $(patsubst %/main.py,%,$(wildcard functions/*/main.py))

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: $(READY) ## Watch a day at the flight operations desk, faults included
	@$(BIN)/tidegate demo

.PHONY: up
up: $(READY) ## Run the whole application on this machine until Ctrl-C
	@$(BIN)/tidegate up

.PHONY: outage
outage: $(READY) ## Take the partner down for a minute, with its breaker and without one
	@$(BIN)/tidegate experiment outage

.PHONY: flood
flood: $(READY) ## Send five times as much as can be done, for a minute
	@$(BIN)/tidegate experiment flood

# What it is measured against is installed for it alone; without a Redis server that part is left out.
.PHONY: bench
bench: $(READY) ## Measure a delivery beside functions written by hand; BENCH=--quick for a minute's worth
	@$(BIN)/python -m pip install -qq --no-cache-dir --disable-pip-version-check -r tests/benchmarks/requirements.txt
	@$(BIN)/python -m tests.benchmarks $(BENCH)

.PHONY: test
test: $(READY) ## Run every test, two files at a time; at the end says what was skipped and why
	@$(BIN)/pytest -n 2 --dist loadfile

.PHONY: check
check: format lint types imports application infrastructure ## Check style, types, import direction, topology and contracts

.PHONY: bundle
bundle: $(READY) ## Pack every function into the zip that is deployed, in build/bundles
	@$(BIN)/tidegate bundle

.PHONY: simulate
simulate: $(READY) ## Run SCHEDULES=20000 random schedules of faults through the engine, from seed FIRST=0 on
	@$(BIN)/python -m tests.simulation --schedules $(or $(SCHEDULES),20000) --first $(or $(FIRST),0)

.PHONY: setup
setup: $(READY) ## Make .venv; the other commands do it by themselves
	@:

.PHONY: clean
clean: ## Delete all that these commands made, .venv included
	@rm -rf build .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache infra/*.egg-info
	@find functions infra tests -type d -name __pycache__ -prune -exec rm -rf {} +

include deploy.mk

# The parts of `make check`

.PHONY: format
format: $(READY)
	@$(BIN)/ruff format --check

.PHONY: lint
lint: $(READY)
	@$(BIN)/ruff check

# Every function's module is called main, so each folder is a run of its own.
.PHONY: types
types: packages-types $(FUNCTIONS:=-types)

.PHONY: packages-types
packages-types: $(READY)
	@$(BIN)/mypy

.PHONY: $(FUNCTIONS:=-types)
$(FUNCTIONS:=-types): %-types: packages-types
	@MYPYPATH=$* $(BIN)/mypy $*

.PHONY: imports
imports: $(READY)
	@$(BIN)/lint-imports --no-logo

.PHONY: application
application: $(READY)
	@$(BIN)/tidegate check
	@$(BIN)/tidegate contracts check
	@$(BIN)/tidegate topology schema | diff -u infra/topology.schema.json - \
	  || { echo 'infra/topology.schema.json is out of date: run tidegate topology schema --write' >&2; exit 1; }

# Formatting alone; the tests validate and plan.
.PHONY: infrastructure
infrastructure:
	@if ! command -v terraform >/dev/null; then \
	  echo 'Skipped the format of terraform/: terraform is not installed' >&2; \
	elif ! terraform fmt -check -recursive terraform; then \
	  echo 'These files are not formatted: run terraform fmt -recursive terraform' >&2; exit 1; \
	fi

# Made anew when what is installed may have changed, from nothing, since it may be for another interpreter than before;
# touched last, so that a failure is tried again.
# Without pip's cache, so that nothing outside this folder is written.
$(READY): requirements.txt pyproject.toml
	@set -e; found=; \
	for python in $(or $(PYTHON),$(PYTHONS)); do \
	  if "$$python" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    found=$$python; break; \
	  fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo 'No Python 3.11 or newer with venv was found (looked for: $(or $(PYTHON),$(PYTHONS))).' >&2; \
	  echo 'Install one, for example with: sudo apt-get install python3 python3-venv' >&2; \
	  echo 'or name one with: make PYTHON=/path/to/python3' >&2; \
	  exit 1; \
	fi; \
	echo "Setting up .venv with $$($$found --version); the first time this takes a minute or two" >&2; \
	"$$found" -m venv --clear .venv; \
	$(BIN)/python -m pip install -qq --no-cache-dir --disable-pip-version-check -r requirements.txt; \
	$(BIN)/python -m pip install -qq --no-cache-dir --disable-pip-version-check --no-deps --editable .
	@touch $@
