# Portside. `make` alone lists what there is.
.DEFAULT_GOAL := help
.PHONY: help quickstart stop check lint types unit test test-full crash-matrix bench soak format

BIN := .venv/bin
# What starts git, ssh or `portside` for nearly each case is left to `make test`: it was a third of the time.
UNIT := not programs and not engine and not platform and not browser
# Three processes a core: for much of their time these tests wait, for a thread of theirs or a deadline.
FORKS = $(shell expr 3 '*' $$(nproc))
# Their files are kept in memory where 1 GB is free and programs may be run: most tests have a database of their own.
FILES = $(shell findmnt -rnbo OPTIONS,AVAIL /dev/shm 2>/dev/null | awk '{ok = !/noexec/ && $$2 > 1e9} END {if (ok) print "/dev/shm"}')
# What was compiled is kept, whatever the shell says: else every test is compiled every time.
export PYTHONDONTWRITEBYTECODE =
MINUTES ?= 60

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

quickstart: ## From a bare machine to a sample app that answers (as root or with sudo the first time)
	@setup/venv.sh server
	@$(BIN)/portside-server quickstart

stop: ## Stop the control plane; apps and the router go on (portside-server stop --all: the router too)
	@$(BIN)/portside-server stop

check: ## Lint, types and unit tests: needs no engine, under a minute
	@setup/venv.sh server,test
	@$(MAKE) --no-print-directory --jobs=3 --output-sync lint types unit

lint:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types:
	$(BIN)/mypy

unit:
	$(addprefix TMPDIR=,$(FILES)) $(BIN)/python -m pytest -q -m "$(UNIT)" -p tests.forks --forks=$(FORKS)

test: ## Set a bare machine up and run every test on real parts
	@setup/venv.sh server,test
	@$(BIN)/portside-server prepare --for-tests --every-stack --frozen-mirror
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -m "not full"

test-full: ## As test, with the cases that are too slow for every change
	@setup/venv.sh server,test
	@$(BIN)/portside-server prepare --for-tests --every-stack --frozen-mirror
	$(BIN)/python -m pytest

crash-matrix: ## Kill every part at every step of a deploy, and write docs/crash-matrix.md (a quarter of an hour)
	@setup/venv.sh server,test
	@$(BIN)/portside-server prepare --for-tests
	$(BIN)/python -m tests.crash.page

bench: ## Measure against the budgets of the design, and print the table
	@setup/venv.sh server,test
	@$(BIN)/portside-server prepare --for-tests
	$(BIN)/python -m bench

soak: ## Change an app without a pause under traffic, and look for leaks (an hour; make soak MINUTES=10)
	@setup/venv.sh server,test
	@$(BIN)/portside-server prepare --for-tests
	$(BIN)/python -m bench.soak --minutes $(MINUTES)

format: ## Format the code
	$(BIN)/ruff check --fix --select I .
	$(BIN)/ruff format .
