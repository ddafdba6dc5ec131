# Everything here needs Python 3.11 or later, make and a package registry, and writes nothing outside the checkout
# but package caches.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory

export UV_PYTHON_DOWNLOADS := never
# Trust what the machine trusts, as git does.
export UV_SYSTEM_CERTS := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export AIRFLOW__USAGE_DATA_COLLECTION__ENABLED := False
export SCARF_ANALYTICS := false
# Left behind by another Airflow or another environment, these would change what is tested.
unexport AIRFLOW_HOME PYTHONPATH PYTHONHOME VIRTUAL_ENV

PINS := tests/constraints
UV_PIN := $(shell grep -E '^uv==' $(PINS)/development.txt)
BIN := .venv/bin

# The first interpreter that really starts and can make environments.
usable = $(1) -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
PYTHON ?= $(shell for python in python3.11 python3; do if $(call usable,$$python); then echo $$python; break; fi; done)
python = $(or $(PYTHON),$(error Python 3.11 or later is needed (with its venv module) and neither python3.11 nor python3 is that. Say where it is: make PYTHON=/path/to/python3.11))

python-version = $(shell $(python) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
# $(call named-python,3.12): the interpreter of that version, from the PATH or from where pyenv keeps them; the name itself when there is none.
PYENV_ROOT ?= $(HOME)/.pyenv
named-python = $(shell for python in python$(1) $$(ls -d $(PYENV_ROOT)/versions/$(1).*/bin/python$(1) 2>/dev/null | sort -rV); do if $(call usable,$$python); then echo $$python; exit; fi; done; echo python$(1))
# $(call python-of,2.11.2-py3.11): the interpreter for a package set.
python-of = $(if $(filter %-py$(python-version),$(1)),$(python),$(call named-python,$(lastword $(subst -py, ,$(1)))))

# $(call environment,FOLDER,PYTHON): an empty environment with uv in it.
define environment
	@test -x $(1)/bin/uv || { echo "making $(1)"; $(2) -m venv $(1) && $(1)/bin/python -m pip install -qq $(UV_PIN); }
endef
install = uv pip install --quiet --build-constraint $(PINS)/development.txt

# Three processes for two cores, as tests wait for half of their time; real components, and what has short bounds in real
# time, run without neighbours.
WORKERS = $(shell echo $$(( ($$(nproc) * 3 + 1) / 2 )))
parallel = -m "not system and not alone" --numprocesses $(WORKERS) --dist worksteal

.PHONY: help
help: ## show the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

# ---------------------------------------------------------------------------------------------------- environments

.PHONY: environment
environment: .venv/.ready ## build .venv: Airflow 3.3.2, this package, and the tools

.venv/.ready: $(PINS)/development.txt pyproject.toml
	$(call environment,.venv,$(python))
	@echo "filling .venv with the packages of $(PINS)/development.txt"
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python $(PINS)/development.txt
	@$(BIN)/$(install) --python $(BIN)/python --no-deps --editable .
	@$(BIN)/uv pip check --quiet --python $(BIN)/python
	@touch $@

# .venvs/airflow-2.11.2-py3.11/.ready: the package set of that name, this package, and pytest.
.venvs/airflow-%/.ready: $(PINS)/airflow-%.txt $(PINS)/core-tests.txt pyproject.toml
	$(call environment,$(@D),$(call python-of,$*))
	@echo "filling $(@D) with the packages of $<"
	@$(@D)/bin/$(install) --python $(@D)/bin/python --constraint $< --constraint $(PINS)/core-tests.txt --group core-test --group system --editable .
	@$(@D)/bin/uv pip check --quiet --python $(@D)/bin/python
	@touch $@

# What a scaled-out Airflow 3.3.2 needs; the package itself is put in by test-cluster, as it then is.
.venvs/cluster/.ready: $(PINS)/cluster.txt pyproject.toml
	$(call environment,$(@D),$(python))
	@echo "filling $(@D) with the packages of $<"
	@$(@D)/bin/$(install) --python $(@D)/bin/python --requirement $<
	@touch $@

# This package from the checkout, and other providers: those that it is measured against, or that of PostgreSQL with which
# the example DAGs connect to the database of the local cloud.
.venvs/bench/.ready .venvs/demo/.ready: .venvs/%/.ready: $(PINS)/%.txt pyproject.toml
	$(call environment,$(@D),$(python))
	@echo "filling $(@D) with the packages of $<"
	@$(@D)/bin/$(install) --python $(@D)/bin/python --requirement $<
	@$(@D)/bin/$(install) --python $(@D)/bin/python --no-deps --editable .
	@$(@D)/bin/uv pip check --quiet --python $(@D)/bin/python
	@touch $@

.venvs/audit/.ready: $(PINS)/audit.txt
	$(call environment,$(@D),$(python))
	@echo "filling $(@D) with the packages of $<"
	@$(@D)/bin/$(install) --python $(@D)/bin/python --requirement $<
	@touch $@

# The client of the checkout, and a fuzzer that follows the code that each input reaches.
.venvs/fuzz/.ready: $(PINS)/fuzz.txt
	$(call environment,$(@D),$(python))
	@echo "filling $(@D) with the packages of $<"
	@$(@D)/bin/$(install) --python $(@D)/bin/python --requirement $<
	@touch $@

.PHONY: lock
lock: .venv/.ready ## renew the pins of development tools, cluster, benchmarks and demo (Airflow's own stay)
	@$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --group dev --no-annotate \
	  --custom-compile-command "make lock" --constraint $(PINS)/airflow-3.3.2-py3.11.txt \
	  --output-file $(PINS)/development.txt pyproject.toml
	@for group in cluster bench demo; do \
	  $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --group $$group --no-annotate \
	    --custom-compile-command "make lock" --constraint $(PINS)/airflow-3.3.2-py3.11.txt \
	    --constraint $(PINS)/development.txt --output-file $(PINS)/$$group.txt pyproject.toml || exit 1; \
	done
	@$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --group pyproject.toml:audit --no-annotate \
	  --custom-compile-command "make lock" --output-file $(PINS)/audit.txt
	@$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --group pyproject.toml:fuzz --no-annotate \
	  --custom-compile-command "make lock" --constraint $(PINS)/development.txt --output-file $(PINS)/fuzz.txt

# ---------------------------------------------------------------------------------------------------- to see it work

.PHONY: demo
demo: .venvs/demo/.ready ## run the example DAGs in real Airflow on the local cloud and kill the triggerer (KEEP=1: both stay up)
	@.venvs/demo/bin/python -m tests.system.demo $(if $(filter-out 0 no false,$(KEEP)),--keep)

.PHONY: emulator
emulator: .venv/.ready ## run the local cloud alone, until Ctrl-C (POSTGRES=1: with a real PostgreSQL behind RDS)
	@$(BIN)/python -m airflow_provider_backup.emulator $(if $(filter-out 0 no false,$(POSTGRES)),--postgres)

# ---------------------------------------------------------------------------------------------------- to build on

optional = $(if $($(1)),--$(2) "$($(1))")
.PHONY: service
service: .venv/.ready ## start a new service: NAME=dds TITLE="Document Database Service" LIKE=rds (VERSION=v3 LABEL=DDS PREFIX=Dds DOCS=page)
	@$(BIN)/python -m tests.scaffold service "$(NAME)" --title "$(TITLE)" --like "$(LIKE)" \
	  $(call optional,VERSION,version) $(call optional,LABEL,label) $(call optional,PREFIX,prefix) $(call optional,DOCS,docs)

.PHONY: tables
tables: .venv/.ready ## write the table of services in the README
	@$(BIN)/python -m tests.scaffold tables

.PHONY: operations
operations: .venv/.ready ## fill docs/api/operations.tsv with what client and local cloud have, and say what it lacks
	@$(BIN)/python -m tests.docs.operations

# ---------------------------------------------------------------------------------------------------- checks

.PHONY: test
test: lint types test-all test-core ## everything: lint, types, all tests on Airflow 3.3.2, and most of them on Airflow 2.11.2

.PHONY: test-all
test-all: .venv/.ready ## all tests on Airflow 3.3.2, with the end-to-end run in real components (WORKERS=1: one after the other)
	@echo "== all tests on Airflow 3.3.2"
	@$(BIN)/python -m pytest -q $(parallel)
	@echo "== what runs alone, and real components of Airflow 3.3.2"
	@$(BIN)/python -m pytest -q -m "system or alone"

.PHONY: test-core
CORE_SET = 2.11.2-py$(python-version)
# Other people's clients are not in that environment, and the components of Airflow 2 start in another way than tests/system does.
test-core: ## all tests on Airflow 2.11.2 but those with other people's clients and with real components
	@test -f $(PINS)/airflow-$(CORE_SET).txt || { echo "There is no package set airflow-$(CORE_SET).txt in $(PINS); Airflow 2.11 has sets for Python 3.11 and 3.12: make test-core PYTHON=python3.11"; exit 1; }
	@$(MAKE) .venvs/airflow-$(CORE_SET)/.ready
	@echo "== tests on Airflow $(subst -py, with Python ,$(CORE_SET))"
	@.venvs/airflow-$(CORE_SET)/bin/python -m pytest -q $(parallel)
	@.venvs/airflow-$(CORE_SET)/bin/python -m pytest -q -m alone

# The package sets whose interpreter starts, but for the two that `make test` covers whole.
SETS := $(patsubst $(PINS)/airflow-%.txt,%,$(sort $(wildcard $(PINS)/airflow-*.txt)))
NEWEST = 3.3.2
MATRIX = $(foreach set,$(filter-out $(NEWEST)-py$(python-version) $(CORE_SET),$(SETS)),$(if $(shell $(call usable,$(call python-of,$(set))) && echo yes),$(set)))
.PHONY: test-matrix
test-matrix: ## the Airflow layer on each Airflow, its core on each other Python that is here, real components on each Airflow 3
	@echo "== tests on: $(MATRIX)"
	@$(MAKE) --keep-going --jobs 2 --output-sync=target $(MATRIX:%=test-set-%)

# Client and local cloud depend on Python only, real components on Airflow only; of what depends on both, most depends on Airflow.
per-python-tests = $(addprefix tests/airflow/test_,$(addsuffix .py,dag_runs readme connection hooks running_loops secrets taking_backups \
  exactly_one_backup resuming sensors killing outcome task_logs trigger_arguments templates provider_info previous_release restoring))
airflow-tests = $(if $(filter %-py$(python-version),$(1)),tests/airflow --ignore tests/airflow/test_model.py,$(per-python-tests))
client-tests = $(if $(filter-out %-py$(python-version),$(filter $(NEWEST)-%,$(1))),tests/cloud tests/emulator)
component-tests = $(if $(filter 3.%-py$(python-version),$(1)),tests/system)
test-set-%: .venvs/airflow-%/.ready
	@echo "== tests on Airflow $(subst -py, with Python ,$*)"
	@.venvs/airflow-$*/bin/python -m pytest -q $(call airflow-tests,$*) $(call client-tests,$*) $(call component-tests,$*)

.PHONY: test-model
test-model: .venv/.ready ## the model of one task in a world that goes wrong, at random and long (EXAMPLES=2000 for each service)
	@MODEL_EXAMPLES=$(or $(EXAMPLES),2000) $(BIN)/python -m pytest -q tests/airflow/test_model.py

.PHONY: test-cluster
test-cluster: .venvs/cluster/.ready ## 160 backups and 40 restores on Celery, Redis and PostgreSQL while all is killed again and again: 8 minutes
	@.venvs/cluster/bin/python -m tests.cluster.server_programs
	@.venvs/cluster/bin/$(install) --python .venvs/cluster/bin/python --no-deps --reinstall-package airflow-provider-backup .
	@.venvs/cluster/bin/python -m tests.cluster

.PHONY: bench
bench: .venvs/bench/.ready ## measure against other providers, and write docs/performance.md: half an hour on a quiet machine
	@.venvs/bench/bin/python -m benchmarks $(PARTS)

.PHONY: bench-airflow
bench-airflow: .venvs/bench/.ready ## the triggerer of a real Airflow with 1,000 deferred tasks, ours and sleeping ones
	@.venvs/bench/bin/python -m tests.cluster.server_programs
	@.venvs/bench/bin/python -m benchmarks airflow

.PHONY: types-bench
types-bench: .venv/.ready .venvs/bench/.ready ## mypy --strict of the benchmarks, beside the packages that they need
	@$(BIN)/mypy --python-executable .venvs/bench/bin/python benchmarks

.PHONY: lint
lint: .venv/.ready ## style, likely bugs, and which layer may import which
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo

.PHONY: types
types: .venv/.ready ## mypy --strict
	$(BIN)/mypy

.PHONY: format
format: .venv/.ready ## bring the code into form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

SECONDS = 600
.PHONY: fuzz
fuzz: .venvs/fuzz/.ready ## search for answers that surprise the client (SECONDS=600); what is found stays in .fuzz
	@nice -n 19 .venvs/fuzz/bin/python -m tests.fuzz --seconds $(SECONDS)

.PHONY: audit
audit: .venv/.ready .venvs/audit/.ready ## look for known vulnerabilities in the dependencies (OSV_URL=... asks another service)
	@OSV_URL="$(OSV_URL)" $(BIN)/python -m tests.audit .venvs/audit/bin/pip-audit

.PHONY: package
package: .venv/.ready ## build wheel and sdist into dist/, install the wheel into an empty environment and look at it there
	@rm -rf dist .venvs/package
	$(BIN)/uv build --quiet --python $(BIN)/python --build-constraint $(PINS)/development.txt
	@$(BIN)/uv venv --quiet --python $(BIN)/python .venvs/package
	@$(BIN)/uv pip install --quiet --python .venvs/package/bin/python --constraint $(PINS)/development.txt dist/*.whl
	@AIRFLOW_HOME=$(CURDIR)/.venvs/package/airflow .venvs/package/bin/python -I tests/package_check.py dist/*.whl dist/*.tar.gz

.PHONY: clean
clean: ## remove what builds and checks left behind; the environments stay
	rm -rf build dist .coverage .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -path './.venv*' -prune -o -name __pycache__ -type d -print | xargs rm -rf

.PHONY: distclean
distclean: clean ## remove the environments too
	rm -rf .venv .venvs
