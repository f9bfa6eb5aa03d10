# Every target does its own set-up: a .venv with locked, hashed dependencies. Needs only Python >= 3.11 and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: demo test check bench idle receiver-load event-latency soak year crm-export lock clean

demo: $(VENV)/.app
	$(BIN)/closedwon demo

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n 2 --dist worksteal

check: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Calls against the floors, CPU per deal, memory; both sheet layouts. Prints JSON lines.
bench: $(VENV)/.dev
	$(BIN)/python bench/backfill.py 1000 portfolio
	$(BIN)/python bench/backfill.py 200 sheet_per_onboarding

# What an idle daemon costs with 10,000 onboardings: CPU, memory, vendor calls a cycle. Takes ten minutes and more.
idle: $(VENV)/.dev
	$(BIN)/python bench/idle.py --onboardings 10000 --minutes 5

# 30 seconds of signed webhooks on loopback, with a kill -9 of the receiver in the middle.
receiver-load: $(VENV)/.dev
	$(BIN)/python bench/receiver_load.py

# From a webhook that was accepted to its effect at the other vendor, when nothing delays it.
event-latency: $(VENV)/.dev
	$(BIN)/python bench/event_latency.py

# MINUTES of faults, lost webhooks, edits and kill -9 for each engine, then the proof. SEED=… repeats the dice.
MINUTES ?= 5
soak: $(VENV)/.dev
	$(BIN)/python bench/soak.py --minutes $(MINUTES) $(if $(SEED),--seed $(SEED))

# A simulated year of that many onboardings, judged by the vendors' own records; its last line is JSON. docs/year.md.
ONBOARDINGS ?= 100
DAYS ?= 365
year: $(VENV)/.dev
	$(BIN)/python bench/year.py --seed $(or $(SEED),1) --onboardings $(ONBOARDINGS) --days $(DAYS)

# All 4,238 won deals of a public CRM export: undisturbed, and killed half-way; FOLDER= says where its CSV files lie.
crm-export: $(VENV)/.dev
	$(BIN)/python bench/crm_export.py $(if $(FOLDER),--folder $(FOLDER))

# The application's own environment: runtime dependencies and Closedwon itself, editable.
$(VENV)/.app: requirements/app.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install --require-hashes --only-binary :all: -r requirements/app.txt
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.app requirements/dev.txt requirements/openapi.txt
	$(PIP) install --require-hashes --only-binary :all: -r requirements/dev.txt
	$(PIP) install --require-hashes --only-binary :all: --no-deps -r requirements/openapi.txt
	@touch $@

# Writes the locks anew: versions and hashes, no index and no address.
UV_COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate
lock: $(VENV)/.dev
	$(UV_COMPILE) -o requirements/app.txt pyproject.toml requirements/build.in
	$(UV_COMPILE) -c requirements/app.txt -o requirements/dev.txt requirements/dev.in
	$(UV_COMPILE) -c requirements/app.txt -c requirements/dev.txt --extra scale --extra cdc --extra traces -o requirements/scale.txt pyproject.toml requirements/build.in
	$(UV_COMPILE) --no-deps -o requirements/openapi.txt requirements/openapi.in

clean:
	rm -rf $(VENV) build *.egg-info
