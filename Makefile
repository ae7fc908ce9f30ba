# A fresh clone needs Python 3.11 or newer, make and git: each target sets up what it needs, once.
.PHONY: help run demo test test-fast assure kill ha feed notified prove bites mutate mutate-exchange bench bench-quick bench-peers conformance check schema sbom lock definitions clean
.DEFAULT_GOAL := run

VENV := .venv
BIN := $(VENV)/bin
USABLE := import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for p in python3.14 python3.13 python3.12 python3.11 python3; do \
	$$p -c '$(USABLE)' 2>/dev/null && echo $$p && break; done)
LOCK = CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet --upgrade --generate-hashes --strip-extras \
	--allow-unsafe --all-build-deps --no-emit-index-url --no-emit-trusted-host --no-emit-options

run: $(VENV)/run.stamp ## the server with made-up data, on http://127.0.0.1:8000
	@$(BIN)/hallpass serve --demo

demo: $(VENV)/run.stamp ## the whole exchange, step by step, against a server of its own
	@$(BIN)/hallpass demo

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

T ?=
test: $(VENV)/dev.stamp ## all tests, on a real PostgreSQL; T=path: those of a folder, a file or file.py::name
	$(BIN)/pytest $(if $(T),$(T),-n 2 --dist loadfile --ignore assurance/noninterference/test_planted_leaks.py)

test-fast: $(VENV)/dev.stamp ## the tests that need no database, in about a minute
	$(BIN)/pytest -n 2 --dist loadfile --fast

assure: prove bites kill feed notified conformance mutate mutate-exchange ## the long proofs, one after the other: hours

ROUNDS ?= 1000
kill: $(VENV)/dev.stamp ## processes, the database and the disk fail at random moments: what clients got is on the ledger
	$(BIN)/python -m assurance.chaos --rounds $(ROUNDS)

ha: $(VENV)/dev.stamp ## a primary, its host, a standby and etcd fail under load: nothing is lost; needs etcd on the PATH
	$(BIN)/pip install --quiet --editable .[ha]
	$(BIN)/python -m assurance.ha --rounds $(if $(filter file,$(origin ROUNDS)),60,$(ROUNDS))

feed: $(VENV)/dev.stamp ## writers, releases and withdrawals meanwhile: who follows the history loses nothing
	$(BIN)/python -m assurance.feed --rounds $(ROUNDS)

REFERRALS ?= 1000
FAILURES ?= 200
notified: $(VENV)/dev.stamp ## server, worker, database and endpoint fail meanwhile: subscribers end with every event
	$(BIN)/python -m assurance.notified --referrals $(REFERRALS) --failures $(FAILURES)

EXAMPLES ?= 300
prove: $(VENV)/dev.stamp ## worlds that differ in what a caller may not see: every answer to it must be the same
	$(BIN)/python -m assurance.noninterference --examples $(EXAMPLES)

bites: $(VENV)/dev.stamp ## leaks planted one by one: the prover must find each
	$(BIN)/pytest assurance/noninterference/test_planted_leaks.py

bench: $(VENV)/dev.stamp ## the measurements: bench/results.json and docs/performance.md
	@$(BIN)/python -m bench

bench-quick: $(VENV)/dev.stamp ## in two minutes: what fell by more than 15 % against bench/results.json
	@$(BIN)/python -m bench --quick

PEER ?= self
PEER_PIDS ?=
bench-peers: $(VENV)/dev.stamp ## beside another FHIR server: PEER=its base URL [PEER_PIDS=its processes, its database's]
	@$(BIN)/python -m bench.peers --peer "$(PEER)" --pids "$(PEER_PIDS)" --write

conformance: $(VENV)/dev.stamp ## a FHIR validator of others judges all answers; schemathesis asks all that the OpenAPI document says
	$(BIN)/python -m tests.conformance.emitted
	$(BIN)/python -m tests.conformance.fuzz

mutate: $(VENV)/dev.stamp ## mutants of the rule of releases, of forms and of plans: docs/mutation.md says why each that survives does
	PROVE_EXAMPLES=8 $(BIN)/mutmut run --max-children 2
	@$(BIN)/mutmut results

mutate-exchange: $(VENV)/dev.stamp ## mutants of the access service, on a database of their own
	$(BIN)/python -m assurance.mutation

check: $(VENV)/dev.stamp ## style, language, length of files, types, import layers, duplication
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/codespell $$(git ls-files)
	$(BIN)/python -m tools.language
	@git ls-files '*.py' '*.js' '*.html' 'schema/*.sql' | xargs wc -l | \
		awk '$$1 > 400 && $$2 != "total" {print $$2 ": " $$1 " lines; a file has at most 400: divide it"; long = 1} END {exit long}'
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pylint --disable=all --enable=duplicate-code --min-similarity-lines=6 app

definitions: $(VENV)/dev.stamp ## HL7's search parameters, invariants and definitions, from a pinned package
	@$(BIN)/python -m tools.definitions

schema: $(VENV)/dev.stamp ## migrations/schema.sql, from the files in schema/
	@$(BIN)/python -m tools.schema

sbom: $(VENV)/dev.stamp ## hallpass.cdx.json: what the image is made of, as CycloneDX
	@$(BIN)/cyclonedx-py requirements requirements.txt --pyproject pyproject.toml --output-reproducible -o hallpass.cdx.json

lock: $(VENV)/dev.stamp ## the newest versions that pyproject.toml allows, with their hashes
	$(LOCK) --extra pdf -o requirements.txt pyproject.toml
	$(LOCK) --extra dev --extra pdf -c requirements.txt -o requirements-dev.txt pyproject.toml

clean: ## everything that was set up here, but not the data
	rm -rf $(VENV) *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis mutants mutants-exchange

# The development set holds the whole running set, at the same versions.
$(VENV)/run.stamp: requirements.txt pyproject.toml
	$(call install,requirements.txt)

$(VENV)/dev.stamp: requirements-dev.txt requirements.txt pyproject.toml
	$(call install,requirements-dev.txt)
	@touch $(VENV)/run.stamp

define install
	@test -n "$(PYTHON)" || { echo "Hallpass needs Python 3.11 or newer, with venv." >&2; exit 1; }
	@echo "Setting up $(VENV) from $(1) ..."
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $(1)
	@PYTHONWARNINGS=ignore $(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
endef
