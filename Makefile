# The two commands of the README. Each makes the virtual environment it needs; nothing else is touched.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# torch is pinned so that everybody trains and tests with one release; `make demo` does not install it.
PINS := torch==2.13.0

.PHONY: demo test lint clean

demo: $(VENV)/demo.stamp
	PYTHONPATH=LungUNetSeg $(BIN)/python -m LungUNetSegSlicer.demo $(if $(CT),"$(CT)")

test: $(VENV)/test.stamp
	$(BIN)/python -m ruff check .
	$(BIN)/python -m mypy
	$(BIN)/python -m pytest

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/demo.stamp: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable ".[slicer]"
	touch $@

$(VENV)/test.stamp: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet $(PINS) --editable ".[test,openvino]"
	touch $@

clean:
	rm -rf $(VENV) demo-output
