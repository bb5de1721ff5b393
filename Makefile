# Nurture. Bare `make` prints what there is; everything happens in .venv, nothing outside this folder is touched.
SHELL := /bin/sh
# The distribution's own first: it is built with profile-guided optimisation, which a python3 built by hand seldom is, and a tenth quicker.
FITS := import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for p in /usr/bin/python3 python3; do $$p -c '$(FITS)' 2>/dev/null && echo $$p && exit; done; echo python3)
BIN := .venv/bin
# Kept even where the environment says otherwise: every worker of the tests, and every process that they start, would compile it all anew.
export PYTHONDONTWRITEBYTECODE :=
STAMP := .venv/.installed

.DEFAULT_GOAL := help
.PHONY: help setup run test check bench soak migration clean

##@ Start
setup: $(STAMP) ## Install Nurture and its tools into .venv (again only when pyproject.toml or constraints.txt change)

run: setup ## Start the service with demo data on http://127.0.0.1:8000
	$(BIN)/nurture serve --demo

##@ Prove
test: setup ## Every test this machine can run, two at a time; PostgreSQL and Redis start by themselves where they are installed
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

check: setup ## Lint, types, floors and the rules of the house
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest tests/rules

##@ Measure
bench: setup ## Ratios within one run, written to bench.json
	$(BIN)/python -m pytest tests/bench -m bench -s

soak: setup ## The big sizes; takes a long while
	$(BIN)/python -m pytest -m soak -s --timeout=3600

##@ Other
migration: setup ## Write the next migration from the tables: make migration NAME="add a column"
	$(BIN)/python -m nurture.store.migrations $(NAME)

clean: ## Remove .venv, caches and demo data (never ./data)
	rm -rf .venv demo-data build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache bench.json

help: ## This list
	@awk 'BEGIN {FS = ":.*## "; printf "\nUsage: make <target>\n"} \
	  /^##@/ {printf "\n%s\n", substr($$0, 5)} \
	  /^[a-z]+:.*## / {printf "  %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Nurture needs Python 3.11 or newer; name one with: make PYTHON=python3.12 " + "setup")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev,postgres]'
	@touch $@
