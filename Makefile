# Kubilitics AI. `make run` and `make test` set everything up on a machine with Python 3.11+, Node 20+ and make.

PORT ?= 8000
UI ?= 1
DEMO ?= 1
VENV := .venv
MINISTACK_VENV := .venv-ministack
PY := $(VENV)/bin/python

# The newest Python that really starts: a version manager may have names for versions that are not installed.
FIND_PYTHON = for p in $(PYTHON) python3.13 python3.12 python3.11 python3; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { command -v "$$p"; break; }; done
NEED_PYTHON = found=$$($(FIND_PYTHON)); test -n "$$found" || { \
	echo "Python 3.11 or newer is needed and was not found. Install it, or name it: make PYTHON=/path/to/python3.11" >&2; exit 1; }
NEED_NODE = node -e 'process.exit(+(process.versions.node.split(".")[0] < 20))' 2>/dev/null || { \
	echo "Node 20 or newer is needed to build the web interface. Install it, or go on without: make $@ UI=0" >&2; exit 1; }

WEB_SOURCES := $(shell find web -path web/node_modules -prune -o -type f -print 2>/dev/null)
TEST_FOLDERS := $(wildcard tests/unit tests/functional tests/packaged tests/e2e)
ifeq ($(UI),0)
  WEB_BUILT :=
else
  WEB_BUILT := build/.web
endif

.DEFAULT_GOAL := help
.PHONY: help run test check bench package clean setup user web-check demo-faults demo-fault demo-heal demo-conformance mcp-conformance test-llm

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "  Variables of run: PORT=8000  UI=0 (no web interface)  KUBECONFIG_IMPORT=path  RECORDED_IMPORT=path"
	@echo "                    LOCAL_AUTH=link (sign in by a one-time link)"
	@echo "                    DEMO=0 (no demo cluster)  SCALE=1 (a demo of 1,000 nodes and 10,000 pods)"
	@echo "                    PROMETHEUS=1 (its 30 days of metrics in a real Prometheus)  DEMO_SEED=1"

run: setup $(WEB_BUILT) ## Set up and serve on http://127.0.0.1:8000 (PORT=...); Ctrl-C stops everything
	@PORT='$(PORT)' KUBECONFIG_IMPORT='$(KUBECONFIG_IMPORT)' RECORDED_IMPORT='$(RECORDED_IMPORT)' \
	  LOCAL_AUTH='$(LOCAL_AUTH)' DEMO='$(DEMO)' SCALE='$(SCALE)' PROMETHEUS='$(PROMETHEUS)' DEMO_SEED='$(DEMO_SEED)' exec $(PY) -m infra.local

test: setup $(WEB_BUILT) ## Set up and run all tests
	CHROMIUM="$$($(PY) -m infra.local.chromium)" && export CHROMIUM && $(PY) -m pytest $(TEST_FOLDERS)
ifneq ($(UI),0)
	cd web && npm test
endif

check: setup web-check ## Format, lint, types, imports between rooms, fast tests
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	$(PY) -m pytest tests/unit

bench: setup ## Measure speed and memory beside the usual methods
	$(PY) -m tests.bench

package: setup ## Build the Lambda packages and print their sizes
	$(PY) -m infra.package

user: setup ## Add a local user while the service runs: make user NAME=ana ROLE=viewer [TENANT=...]
	@$(PY) -m infra.local.user '$(NAME)' '$(ROLE)' '$(TENANT)'

demo-faults: ## List the demo cluster's faults while it runs; active ones are marked
	@$(PY) -m infra.local.faults

demo-fault: ## Make one happen: make demo-fault NAME=...
	@$(PY) -m infra.local.faults inject '$(NAME)'

demo-heal: ## End one: make demo-heal NAME=...
	@$(PY) -m infra.local.faults heal '$(NAME)'

demo-conformance: setup ## Replay what a real API server answered against the demo cluster
	@$(PY) -m tests.functional.demo.conformance

mcp-conformance: setup ## The official MCP conformance suite and Inspector against our server
	@$(NEED_NODE); $(PY) -m tests.functional.mcp.conformance

test-llm: setup ## Our providers against a real model server (compiles it once: 20-40 minutes)
	@$(PY) -m tests.functional.llm.servers

clean: ## Remove what was built and installed; ALL=1 also removes .local, with everything that was kept in it
	rm -rf build $(VENV) $(MINISTACK_VENV) web/node_modules .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
ifeq ($(ALL),1)
	rm -rf .local
endif

setup: $(VENV)/.installed $(MINISTACK_VENV)/.installed

$(VENV)/.installed: requirements.txt requirements-dev.txt
	@$(NEED_PYTHON); test -x $(PY) || { echo "Creating $(VENV) with $$found ..."; "$$found" -m venv $(VENV); }
	@echo "Installing Python packages ..."
	@$(PY) -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

$(MINISTACK_VENV)/.installed: infra/local/requirements-ministack.txt
	@$(NEED_PYTHON); test -x $(MINISTACK_VENV)/bin/python || "$$found" -m venv $(MINISTACK_VENV)
	@echo "Installing the embedded AWS ..."
	@$(MINISTACK_VENV)/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

web/node_modules/.installed: web/package-lock.json
	@$(NEED_NODE)
	@echo "Installing web packages ..."
	@cd web && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

build/.web: web/node_modules/.installed $(WEB_SOURCES)
	@echo "Building the web interface ..."
	@mkdir -p build && cd web && npm run build --silent
	@touch $@

web-check: $(if $(WEB_BUILT),web/node_modules/.installed)
ifneq ($(UI),0)
	cd web && npm run typecheck && npm test
endif
