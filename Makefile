# CI runs the same targets (.ci/run).  Each installs what it needs; only Python >= 3.11 and make must be there.

PYTHON ?= python3
BIN    := .venv/bin
ARGS   ?=
SDK    ?=

.DEFAULT_GOAL := help
.PHONY: help run test thorough check lint format types fresh wheel diagrams charts coverage docs journal problems schema bench conformance crash mutation spin changelog lock venv clean

help:  ## list the targets
	@echo "make TARGET [PYTHON=python3.12] [ARGS='...']"
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run:  ## watch a run go through its states, then replay its journal
	@$(PYTHON) tools/venv.py build/runtime requirements/run.txt
	@build/runtime/bin/python -m examples.research $(ARGS)

test: venv  ## all tests, on all cores (some: ARGS='-k loader')
	@$(BIN)/python -m coverage erase
	@$(BIN)/python -m coverage run -m pytest --numprocesses=auto --dist=worksteal $(ARGS)

thorough: venv  ## all tests, with many examples for each property, as CI runs them
	@HYPOTHESIS_PROFILE=thorough $(MAKE) --no-print-directory test

check: lint types fresh wheel  ## the other checks of CI: lint, types, generated files, the built wheel

lint: venv  ## style, format and import contracts
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check --diff .
	@$(BIN)/lint-imports --no-cache --no-logo

types: venv  ## mypy --strict
	@$(BIN)/mypy

fresh: venv  ## compare every generated file with what would be written now
	@$(BIN)/python tools/generated.py --check

wheel: venv  ## build the wheel, install it alone, and use it from an empty folder
	@$(BIN)/python tools/wheel.py

format: venv  ## format the code
	@$(BIN)/ruff check --quiet --fix .
	@$(BIN)/ruff format --quiet .

diagrams charts coverage docs journal problems schema: venv
	@$(BIN)/python tools/generated.py $@

diagrams: ## write diagrams/ from states.yaml
charts:   ## write the pages' diffs and pictures of the shipped charts
coverage: ## write the pictures of the page on coverage
docs:     ## write the generated parts of docs/
journal:  ## write the JSON Schema of journal records
problems: ## write the page of problem codes
schema:   ## write the JSON Schema of the chart format

bench: venv  ## benchmarks against the SDK's own runner
	@$(BIN)/python -m bench $(ARGS)

conformance: venv  ## the SDK's own tests of its runner, through ours (SDK=2.14.0, SDK=latest)
	@$(BIN)/python -m tools.conformance $(if $(SDK),--sdk=$(SDK)) $(ARGS)

crash: venv  ## kill 500 runs, each at another moment, and resume them to their end
	@$(BIN)/python -m tests.crash $(ARGS)

mutation: venv  ## make every small mistake in the shipped charts, and record what notices it
	@$(BIN)/python -m tools.mutation $(ARGS)

spin: venv  ## the check's verdicts compared with those of SPIN, which must be installed
	@$(BIN)/python -m tools.second_opinion $(ARGS)

changelog: venv  ## show what the fragments in changelog.d/ add up to
	@$(BIN)/towncrier build --draft --version next

lock:  ## pin the newest versions that pyproject.toml allows, with hashes
	@$(PYTHON) tools/venv.py build/lock requirements/lock.txt
	@$(PYTHON) tools/lock.py $(ARGS)

venv:  ## the development environment, in .venv
	@$(PYTHON) tools/venv.py .venv requirements/dev.txt --editable

clean:  ## remove everything that make has made
	@rm -rf .venv build dist .coverage .coverage.* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
