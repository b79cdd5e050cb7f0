# Two commands carry the project: `make chat` and `make test`. The rest is for those who change it.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.DEFAULT_GOAL := help
.PHONY: help chat index test check format lint imports types weights versions audit container models-live clean

help:  ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /\1\t/' | expand -t 10

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "ragbot needs Python 3.11 or newer: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)

# torch first and by its exact version: a range would draw in whatever build is newest.
$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	$(INSTALL) "$$(grep '^torch==' constraints.txt)"
	$(INSTALL) -e .
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	$(INSTALL) -e '.[test]'
	@touch $@

chat: $(VENV)/.installed  ## index notes/ and open the chat at http://127.0.0.1:7860
	$(BIN)/python app.py $(ARGS)

index: $(VENV)/.installed  ## bring the index of notes/ up to date
	$(BIN)/ragbot index

test: $(VENV)/.installed-test  ## run all tests
	$(BIN)/python -m pytest -n auto --dist loadfile

check: format lint imports types weights test  ## everything that must be clean before a commit lands

format: $(VENV)/.installed-test  ## is the code formatted?
	$(BIN)/ruff format --check .

lint: $(VENV)/.installed-test  ## does the code keep the rules?
	$(BIN)/ruff check .

imports: $(VENV)/.installed-test  ## do imports go down from room to room?
	$(BIN)/lint-imports

types: $(VENV)/.installed-test  ## do the types hold?
	$(BIN)/mypy

weights: $(VENV)/.installed  ## are the encoder's weights the published ones?
	$(BIN)/python -c 'from ragbot.inference.model_files import verify_default_weights; print("encoder weights:", verify_default_weights())'

versions:  ## run the tests on the oldest and on the newest releases that are allowed (an hour)
	$(PYTHON) tests/versions.py oldest
	$(PYTHON) tests/versions.py newest

container:  ## build the image and ask it a question; without an engine, run its steps (minutes)
	$(PYTHON) tests/container.py

# --strict: a package that could not be looked up fails, where pip-audit alone would pass it.
audit:  ## look the pinned versions up among the known vulnerabilities (asks the registry)
	$(PYTHON) -m venv $(VENV)/audit
	$(VENV)/audit/bin/pip install --quiet --disable-pip-version-check pip-audit
	$(VENV)/audit/bin/pip-audit --strict --no-deps --disable-pip -r constraints.txt

# The server is any OpenAI-compatible one: make models-live MODEL=qwen2.5-coder-1.5b URL=http://127.0.0.1:8123/v1
models-live: $(VENV)/.installed-test  ## record what a real language model writes, and verify it
	$(BIN)/python -m tests.record_models $(MODEL) $(URL)
	$(BIN)/python -m pytest tests/answers/test_recordings.py

clean:  ## remove the environment and the index
	rm -rf $(VENV)
	find index -mindepth 1 ! -name README.md -delete
