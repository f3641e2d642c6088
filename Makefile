# Tidegate. `make` alone lists the verbs; each of them sets up what it needs and does that once.

ENV   ?= local
MODEL ?=
WHAT  ?= registry
# The first interpreter that is new enough; name another with `make PYTHON=...`.
PYTHON ?= $(firstword $(foreach p,python3 python3.13 python3.12 python3.11 python3.14,$(shell \
            $(p) -c 'import sys; sys.version_info >= (3, 11) and print("$(p)")' 2>/dev/null)))

BIN      := .venv/bin
TIDEGATE := $(BIN)/tidegate
STAMPS   := .venv/.stamps
READY    := $(STAMPS)/python $(STAMPS)/project node_modules/.stamp
LOCK     := $(BIN)/uv pip compile --no-config --quiet --universal --python-version 3.11 --generate-hashes --no-header
LAYERS   := sdk inference analytics tabular
PEERS    := $(patsubst %/requirements.in,%,$(wildcard $(addsuffix /requirements.in,$(addprefix tests/benchmarks/,* */* */*/*))))

# The virtual environment comes first on the PATH: its Node, uv and cdk are the pinned ones.
export PATH := $(CURDIR)/$(BIN):$(CURDIR)/node_modules/.bin:$(PATH)
unexport PYTHONPATH VIRTUAL_ENV UV_INDEX UV_INDEX_URL UV_EXTRA_INDEX_URL UV_FIND_LINKS

step  = @printf '  %-8s %s\n' "$(1)" "$(2)"
quiet = @out=$$($(1) 2>&1) || { printf '%s\n' "$$out" >&2; exit 1; }

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test check bench fuzz deploy destroy down clean setup lock

help:  ## list the verbs
	@awk 'BEGIN { FS = ":.*## "; print "\nTidegate: progressive delivery for models on AWS Lambda\n" } \
	  /^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 } \
	  END { print "\n  ENV=local|dev|staging|prod   MODEL=<folder in models/>   WHAT=registry|serving   PYTHON=<interpreter>\n" }' $(MAKEFILE_LIST)

demo: $(READY)  ## the whole loop on this machine: train, canary, drift, retrain, roll back
	@$(TIDEGATE) demo

test: check  ## everything: check, then all tests, then the end-to-end tests in the local cloud
	$(call step,test,unit to stacks)
	@$(BIN)/pytest -q -n 2 --dist loadgroup -m "not local"
	$(call step,test,in the local cloud)
	@$(BIN)/pytest -q -m local

check: $(READY)  ## layout, lint, types and floors
	$(call step,check,ruff · mypy · lint-imports)
	$(call quiet,ruff format --check .)
	$(call quiet,ruff check .)
	$(call quiet,mypy)
	$(call quiet,lint-imports --no-cache)

bench: $(READY)  ## measure WHAT beside its peer; docs/benchmarks.md says how to read it
	@$(BIN)/python -m tests.benchmarks.$(WHAT)

fuzz: $(READY)  ## search a minute long for a body that breaks a promise of the endpoint
	@$(BIN)/python -m tests.fuzz --seconds 60

deploy: $(READY)  ## cdk deploy of ENV (and of one MODEL only, if named)
	@$(TIDEGATE) deploy --env $(ENV) $(if $(MODEL),--model $(MODEL))

destroy: $(READY)  ## cdk destroy of ENV
	@$(TIDEGATE) destroy --env $(ENV)

down:  ## stop the local cloud
	@if [ -x $(TIDEGATE) ]; then $(TIDEGATE) local down; else echo "No local cloud was started here."; fi

clean:  ## stop the local cloud, then remove everything that was made here
	@if [ -x $(TIDEGATE) ]; then $(TIDEGATE) local down >/dev/null 2>&1 || true; fi
	@rm -rf .venv node_modules cdk.out .tidegate .hypothesis .ruff_cache .import_linter_cache *.egg-info build
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

setup: $(READY)  ## virtual environment, pinned requirements, Node and the CDK command line
	@printf '  %-8s %s\n' ready "$$($(BIN)/python --version), $$(node --version | sed 's/^v/Node /'), CDK $$(cdk --version)"

lock: $(READY)  ## resolve every requirements.in again: the tools', the layers', the benchmarks' peers'
	$(call step,lock,requirements.txt)
	@$(LOCK) requirements.in -o requirements.txt
	@for layer in $(LAYERS); do printf '  %-8s %s\n' lock "layers/$$layer"; \
	  $(LOCK) -c requirements.txt layers/$$layer/requirements.in -o layers/$$layer/requirements.txt || exit 1; done
	@for peer in $(PEERS); do printf '  %-8s %s\n' lock "$$peer"; $(LOCK) $$peer/requirements.in -o $$peer/requirements.txt || exit 1; done

# --- set-up: each stamp is made again only when the file that decides it has changed --------------------------------

$(STAMPS)/venv:
	@[ -n "$(PYTHON)" ] || { echo "Tidegate needs Python 3.11 or newer, and none was found. Try: make PYTHON=/path/to/python3.13" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Tidegate needs Python 3.11 or newer; $(PYTHON) is older." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) has no venv module. On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	$(call step,setup,virtual environment in .venv)
	$(call quiet,$(PYTHON) -m venv --clear .venv)
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/python: requirements.txt | $(STAMPS)/venv
	$(call step,setup,pinned requirements)
	@awk '/^uv==/,!/\\$$/' requirements.txt > $(STAMPS)/uv.txt
	$(call quiet,$(BIN)/python -m pip install --disable-pip-version-check --no-deps --require-hashes -r $(STAMPS)/uv.txt)
	$(call quiet,$(BIN)/uv pip sync --no-config --python $(BIN)/python --require-hashes requirements.txt)
	@touch $@

$(STAMPS)/project: pyproject.toml $(STAMPS)/python
	$(call quiet,$(BIN)/uv pip install --no-config --python $(BIN)/python --no-deps --no-build-isolation --editable .)
	@touch $@

node_modules/.stamp: package-lock.json $(STAMPS)/python
	$(call step,setup,CDK command line)
	$(call quiet,npm ci --no-audit --no-fund --no-update-notifier --loglevel=error)
	@touch $@
