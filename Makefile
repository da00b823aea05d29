# All set-up included: a local .venv from the lock file; nothing outside this folder is touched, no sudo. (pip uses its
# own cache if there is one.)
#   make demo    trains a small CNN on real images, then quantize, generate, compile, emulate, validate
#   make test    the whole test suite
#   make check   ruff, mypy --strict, clang-format, C warnings as errors
# PYTHON=python3.12 chooses the interpreter that .venv is made with (3.11 to 3.13).

PYTHON ?= $(firstword $(foreach p,python3 python3.13 python3.12 python3.11,\
  $(shell $(p) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && echo $(p))))
VENV := .venv
BIN := $(VENV)/bin
JOBS ?= 2

# What zig and Keras keep, and would keep in the home folder.
CACHE := $(CURDIR)/$(VENV)/.cache/edgeq
export ZIG_GLOBAL_CACHE_DIR ?= $(CACHE)/zig
export ZIG_LOCAL_CACHE_DIR ?= $(CACHE)/zig
ifeq ($(wildcard $(HOME)/.keras/keras.json),)
export KERAS_HOME ?= $(CACHE)/keras
endif
PIP := $(BIN)/python -m pip install --disable-pip-version-check $(if $(wildcard $(HOME)/.cache/pip),,--no-cache-dir)

.PHONY: help setup demo test check clean

help:
	@sed -n 's/^#   //p' Makefile

setup: $(VENV)/.installed

$(VENV)/.installed: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "edgeq needs Python 3.11, 3.12 or 3.13; none was found on PATH. Install one, or say which: make PYTHON=/path/to/python3.12"; exit 3; }
	@echo "Installing edgeq and what it needs into $(VENV): about 1 GB to download, 3 to 4 GB on disk, some minutes the first time."
	$(PYTHON) -m venv $(VENV)
	$(PIP) --require-hashes -r requirements.lock
	$(PIP) --quiet --no-deps --no-build-isolation -e .
	@touch $@

demo: setup
	$(BIN)/edgeq demo

test: setup
	$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup

check: setup
	PATH="$(CURDIR)/$(BIN):$$PATH" tools/check

clean:
	rm -rf $(VENV) build dist edgeq-demo .pytest_cache .mypy_cache .ruff_cache
