# Two commands do all the set-up: "make serve" and "make test".
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CONFIG ?=
PIP := $(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: serve test lint peers bench clean
.DEFAULT_GOAL := test

# constraints.txt fixes every version, so that a clone builds the same tomorrow.
$(VENV)/.run: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements-dev.txt
	$(PIP) -r requirements-dev.txt
	@touch $@

serve: $(VENV)/.run
	$(BIN)/hornburg serve $(CONFIG)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The programs that tests and benchmarks talk to: Orthanc, wrk.
peers:
	sh tests/install_peers.sh

test: peers lint
	$(BIN)/python -m pytest

bench: peers $(VENV)/.dev
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
