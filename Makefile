# Two commands do all the set-up: make demo, make test. ARGS is passed through. WHOLE=1 leaves no
# long test out.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test deployed faults crash siege matrix fuzz lint types contracts vectors openapi lock clean bench

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Comity needs Python 3.11 or newer")'
	@# Debian keeps the module that makes environments in a package of its own.
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null \
	  || { test "$$(id -u)" = 0 && apt-get update -qq && apt-get install -y -qq --no-install-recommends python3-venv; } \
	  || { echo "this Python cannot make environments; install python3-venv (Debian) and repeat" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements/runtime.txt pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/runtime.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/.development: requirements/development.txt $(VENV)/.runtime
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/development.txt
	touch $@

demo: $(VENV)/.runtime
	@$(BIN)/comity demo $(ARGS)

test: $(VENV)/.development
	@$(BIN)/python -m tests.run $(if $(WHOLE),--whole) $(ARGS)

# Deliberate faults: each must make the tests fail that it names. ARGS=--list names them.
faults: $(VENV)/.development
	@$(BIN)/python -m tests.faults $(ARGS)

# Every write of sequencing, cosigning, export and recovery; needs strace, takes half an hour.
crash: $(VENV)/.development
	@COMITY_CRASH_POINTS=all $(BIN)/python -m pytest -n 2 --dist load -rP tests/audit/test_crash_points.py $(ARGS)

# Each denial against a running node for a minute; ARGS="--seconds N NAME …" for fewer.
siege: $(VENV)/.development
	@$(BIN)/python -m tests.siege $(ARGS)

# Type by carrier by audience, all cells of it, against a running node over HTTP.
matrix: $(VENV)/.development
	@COMITY_MATRIX=whole $(BIN)/python -m pytest -n 0 -rP -k answers_of_the_protocol tests/federation/test_dishonest_member.py $(ARGS)

# Valid messages with something changed in them; ARGS="--seconds N --seed N".
fuzz: $(VENV)/.development
	@$(BIN)/python -m tests.fuzz $(ARGS)

# The image, PostgreSQL, nginx, restart, upgrade, backup and restore on this machine. As root, with
# buildah, debootstrap, nginx and PostgreSQL installed; says how long each step took.
deployed: $(VENV)/.development
	@$(BIN)/python -m tests.deploy.deployed

lint: $(VENV)/.development
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.development
	$(BIN)/mypy

contracts: $(VENV)/.development
	$(BIN)/lint-imports

openapi: $(VENV)/.development
	$(BIN)/python -m tools.openapi

# All of them; make bench ARGS=--list names them, ARGS="NAME …" runs one.
bench: $(VENV)/.development
	$(BIN)/python -m bench $(ARGS)

lock:
	$(PYTHON) -m pip install --quiet uv
	$(PYTHON) -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links requirements/runtime.in -o requirements/runtime.txt
	$(PYTHON) -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links requirements/development.in -o requirements/development.txt

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
