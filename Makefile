# The commands a person needs; CI calls the same ones.
HOST ?= 127.0.0.1
PORT ?= 8000
WORKERS ?= 1
PYTHON ?= python3

.PHONY: install serve check test test-long bench docs lock packages

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

test: check packages
	.venv/bin/pytest

# What takes longer: every fault, kill and bad night, and many more random declarations, values and operations. An hour.
test-long: check packages
	FAULTS=all .venv/bin/pytest tests/stores tests/faults
	EQUALITY_CASES=4000 .venv/bin/pytest tests/graph/test_equality.py

# What the tests need besides Python: a browser, brought up from the system's packages when root.
packages:
	tests/packages.sh

# The peers of the comparison too: nginx and wrk here, what npm has when it is first needed.
bench: install packages
	bench/peers/packages.sh
	.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r bench/requirements.lock
	.venv/bin/python -m bench

# The pages of docs/ that are written by the code: settings, data sets, errors, queries.
docs: install
	.venv/bin/python docs/generate.py --write

# Exact versions with hashes and without index addresses; run after a change of dependencies.
# The image takes only what the server needs, and what builds the wheel, in the very same versions.
COMPILE = uv pip compile --generate-hashes --universal --no-emit-index-url --no-annotate --no-header --python-version 3.11 --quiet

lock:
	$(COMPILE) pyproject.toml --group dev -o requirements.lock
	$(COMPILE) pyproject.toml --constraint requirements.lock -o docker/requirements.lock
	$(COMPILE) --group bench --constraint requirements.lock -o bench/requirements.lock
	echo 'pygeoapi' | $(COMPILE) - -o tests/city/pygeoapi.lock
	sed -n 's/^requires = \["\(.*\)"\]$$/\1/p' pyproject.toml | $(COMPILE) - --constraint requirements.lock -o docker/build.lock
