# The commands a person needs; CI calls the same ones.
HOST ?= 127.0.0.1
PORT ?= 8000
WORKERS ?= 1
PYTHON ?= python3

.PHONY: install serve check test bench lock

install: .venv/installed

.venv/installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	.venv/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

serve: install
	.venv/bin/broker serve --host $(HOST) --port $(PORT) --workers $(WORKERS)

check: install
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/broker schema --check

test: check
	.venv/bin/pytest

bench: install
	.venv/bin/python -m bench

# Exact versions with hashes and without index addresses; run after a change of dependencies.
lock:
	uv pip compile pyproject.toml --group dev --generate-hashes --universal --no-emit-index-url --no-annotate --no-header --python-version 3.11 -o requirements.lock
