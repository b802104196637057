# Two commands do all the set-up: "make serve" and "make test".
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CONFIG ?=
PIP := $(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: serve test lint peers bench fuzz clean
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

# The programs that tests and benchmarks talk to: Orthanc, DCMTK, wrk.
peers:
	sh tests/install_peers.sh

# Tests are shared out by file: much of their time is waiting for servers that start.
WORKERS ?= 2

test: peers lint
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile

bench: peers $(VENV)/.dev
	$(BIN)/python -m benchmarks

FUZZ_SECONDS ?= 60
FUZZ_TARGETS := ul_connection dimse_command

# What was found lies in fuzz/found-*.
fuzz: $(VENV)/.dev
	for target in $(FUZZ_TARGETS); do \
		$(BIN)/python -m fuzz.$$target -max_total_time=$(FUZZ_SECONDS) -max_len=4096 \
			-artifact_prefix=fuzz/found- || exit 1; \
	done

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
