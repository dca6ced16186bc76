# The commands of the README. Each makes the virtual environment it needs; nothing else is touched.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# torch is pinned so that everybody trains and tests with one release; `make demo` does not install it.
PINS := torch==2.13.0

# How many tests run at a time, and the share of our lines, in percent, that must be run by them. Lines that only child
# processes run (the panel's child, the launchers) do not count as run.
WORKERS ?= 2
COVERED ?= 95

.PHONY: demo web test types suite robustness faults pins clean
# Of an environment that could not be made (Debian keeps venv in a package of its own) nothing counts as made.
.DELETE_ON_ERROR:

demo: $(VENV)/demo.stamp
	PYTHONPATH=LungUNetSeg $(BIN)/python -m LungUNetSegSlicer.server.demo $(if $(CT),"$(CT)")

web: $(VENV)/web.stamp
	$(BIN)/lungunetseg web --open $(if $(SCANS),--folder "$(SCANS)")

# Types are checked while the tests begin. Tests start Python hundreds of times: it keeps what it has compiled, also where
# an image says otherwise.
test: export PYTHONDONTWRITEBYTECODE :=
test: $(VENV)/test.stamp
	$(BIN)/python -m ruff check .
	$(MAKE) --jobs=2 types suite

types:
	$(BIN)/python -m mypy

# slipcover's own --fail-under empties its report where pytest runs several tests at a time (findings/).
suite:
	$(BIN)/python -m slipcover -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder
	@awk 'END { print $$(NF - 2), "lines,", $$NF, "% of them run"; exit $$NF < $(COVERED) }' coverage.txt

# Awkward inputs; and commands that are killed, starved and crowded, for half an hour, what was done being kept in
# faults.jsonl. CONTRIBUTING.md says when.
robustness: $(VENV)/test.stamp
	PYTHONPATH=tests $(BIN)/python -m corpus.run

faults: $(VENV)/test.stamp
	PYTHONPATH=tests $(BIN)/python -m faults.run

# The release's dependencies with their hashes, for every system: for who uses the command, and for who trains.
PIN := $(BIN)/python -m uv pip compile pyproject.toml --universal --python-version 3.10 --generate-hashes --no-header --quiet
pins: | $(BIN)/python
	$(BIN)/python -m pip install --quiet uv
	$(PIN) --upgrade --extra openvino --output-file requirements/release.txt
	echo "$(PINS)" | $(PIN) - --upgrade --extra openvino --extra train --output-file requirements/training.txt

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 10) or sys.exit("Python 3.10 or later is needed: make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/demo.stamp: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable ".[slicer]"
	touch $@

$(VENV)/web.stamp: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable ".[web]"
	touch $@

$(VENV)/test.stamp: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet $(PINS) --editable ".[test,openvino]"
	touch $@

clean:
	rm -rf $(VENV) demo-output coverage.txt
