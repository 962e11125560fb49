# gamenet. Needs make and Python 3.11 or newer, nothing else:
#
#   make demo        serve the arena with eight bots; Ctrl-C ends it
#   make test        run the whole test suite
#   make soak        a million reliable messages through a bad network
#   make lint        ruff, mypy, layers, spelling, documentation
#   make docs        build the documentation into docs/_build/html
#   make bench       run the benchmarks and write docs/benchmarks.md
#   make peers       try to install what the benchmarks compare gamenet with
#   make wheel-check build the wheel and use it as a stranger would
#   make clean       remove everything that the above made
#
# Another interpreter: make PYTHON=/path/to/python3 demo

.DEFAULT_GOAL := help
.SUFFIXES:

VENV := .venv
BIN := $(VENV)/bin

NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
ifndef PYTHON
PYTHON := $(shell for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	if $$name -c '$(NEW_ENOUGH)' 2>/dev/null; then echo $$name; break; fi; done)
endif

# `compat` because the default editable install hides the twistd plugin from every
# directory but this one.
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check \
	--config-settings editable_mode=compat --editable
DECLARED := setup.cfg pyproject.toml Makefile

.PHONY: help
help:
	@sed -n 's/^#   //p' Makefile

# Stamps say what is installed, so that a second `make` starts at once.

$(VENV)/.made:
	@test -n "$(PYTHON)" || { echo >&2 "gamenet needs Python 3.11 or newer, and none was \
	found: install it, or say where it is with make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c '$(NEW_ENOUGH)' || { echo >&2 "gamenet needs Python 3.11 or newer; \
	$(PYTHON) is older or does not run"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo >&2 "$(PYTHON) cannot make \
	an environment: install the Debian package python3-venv"; exit 1; }
	@echo "making $(VENV) with $(PYTHON)"
	@$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(VENV)/.installed: $(DECLARED) | $(VENV)/.made
	@echo "installing gamenet into $(VENV)"
	@$(INSTALL) .
	@touch $@

$(VENV)/.installed-%: $(DECLARED) | $(VENV)/.made
	@echo "installing gamenet[$*] into $(VENV)"
	@$(INSTALL) '.[$*]'
	@touch $@ $(VENV)/.installed

.PHONY: demo
demo: $(VENV)/.installed
	@$(BIN)/python tools/foreground.py $(BIN)/twistd -n --pidfile= \
		gamenet --game examples.arena:Arena \
		--listen udp:7777 --listen tcp:7778 --listen ws:8080 --bots 8

.PHONY: test
test: $(VENV)/.installed-test
	$(BIN)/python -m pytest -n auto --dist worksteal

.PHONY: soak
soak: $(VENV)/.installed-test
	$(BIN)/python -m tests.soak

.PHONY: trial
trial: $(VENV)/.installed-test
	$(BIN)/trial --reactor=asyncio tests

.PHONY: lint
lint: $(VENV)/.installed-test $(VENV)/.installed-lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_layers.py tests/test_exports.py
	$(BIN)/codespell
	@$(MAKE) --no-print-directory docs

.PHONY: docs
docs: $(VENV)/.installed-docs
	$(BIN)/python -m sphinx -q -W --keep-going docs docs/_build/html

$(VENV)/.peers: $(DECLARED) tools/install_peers.py | $(VENV)/.made
	@$(BIN)/python tools/install_peers.py
	@touch $@

.PHONY: peers
peers: | $(VENV)/.made
	@rm -f $(VENV)/.peers
	@$(MAKE) --no-print-directory $(VENV)/.peers

.PHONY: bench
bench: $(VENV)/.installed-bench $(VENV)/.peers
	$(BIN)/python -m benchmarks all --report docs

.PHONY: wheel-check
wheel-check: $(VENV)/.made
	$(BIN)/python tools/check_wheel.py

.PHONY: clean
clean:
	rm -rf $(VENV) build dist gamenet.egg-info docs/_build _trial_temp* \
		.mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
