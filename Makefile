# The targets here are the only commands one must know; `make` alone lists them.
# Nothing but Python 3.11 or newer, make and git has to be there before.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
DEV := .venv-dev
INSTALLED := $(VENV)/.installed
DEV_INSTALLED := $(DEV)/.installed
RUN := $(DEV)/bin/python -m

# Whatever is tracked can change what the tests measure. The sample pictures, whose names make would
# split at their blanks, change with samples/*.py alone.
TRACKED = $(shell git ls-files -- '*.py' pyproject.toml cli client encoders faces index samples service tests training ':!samples/people')

COMPILE = CUSTOM_COMPILE_COMMAND="make lock" $(DEV)/bin/pip-compile --quiet --upgrade --strip-extras --allow-unsafe --newline=lf \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host --annotation-style=line \
	--constraint=requirements/held.txt

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

.PHONY: demo
demo: $(INSTALLED) ## install what serving needs (no torch) and start the service with sample people
	@LOOKALIKE_SAMPLE_PEOPLE=$${LOOKALIKE_SAMPLE_PEOPLE:-true} exec $(VENV)/bin/lookalike serve

.PHONY: test
test: $(DEV_INSTALLED) ## set up for development and run the quick tests
	@rm -f .coverage.quick
	COVERAGE_FILE=.coverage.running $(RUN) pytest --cov --cov-report=
	@mv .coverage.running .coverage.quick

.PHONY: test-all
test-all: lint .coverage.quick ## lint, all tests (the quick ones only if something changed), coverage
	@rm -f .coverage.slow
	COVERAGE_FILE=.coverage.slow $(RUN) pytest -m slow --cov --cov-report=
	$(RUN) coverage combine --quiet --keep .coverage.quick .coverage.slow
	$(RUN) coverage report
	$(RUN) coverage json --quiet -o .coverage.json
	$(DEV)/bin/python tests/branch_coverage.py .coverage.json faces index service

.coverage.quick: $(TRACKED)
	@$(MAKE) --no-print-directory test

.PHONY: lint
lint: $(DEV_INSTALLED) ## format, style, types, imports between rooms, Docker files
	$(RUN) ruff format --check .
	$(RUN) ruff check .
	$(RUN) mypy
	$(DEV)/bin/lint-imports --no-logo
	$(DEV)/bin/hadolint docker/service.Dockerfile docker/training.Dockerfile
	$(DEV)/bin/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml

.PHONY: format
format: $(DEV_INSTALLED) ## put every file into ruff's format
	$(RUN) ruff check --fix .
	$(RUN) ruff format .

.PHONY: lock
lock: $(DEV_INSTALLED) ## renew the pinned versions in requirements/
	$(COMPILE) --extra=cpu --extra=postgres --extra=milvus --output-file=requirements/serving.txt pyproject.toml
	$(COMPILE) --extra=gpu --extra=postgres --extra=milvus --output-file=requirements/gpu.txt --constraint=requirements/serving.txt pyproject.toml
	$(DEV)/bin/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"]["dev"], sep="\n")' \
		| $(COMPILE) --extra=cpu --extra=train --extra=parquet --extra=postgres --extra=milvus --output-file=requirements/dev.txt --constraint=requirements/serving.txt pyproject.toml -

.PHONY: openapi
openapi: $(DEV_INSTALLED) ## write docs/openapi.json anew, after a change of the HTTP interface
	$(RUN) service.document docs/openapi.json

.PHONY: gpu
gpu: $(DEV_INSTALLED) ## train and measure all that wants a GPU; call it again until it says done
	$(DEV)/bin/python benchmarks/gpu.py

.PHONY: samples
samples: $(DEV_INSTALLED) ## draw the sample people in samples/people again
	$(RUN) samples.make

.PHONY: clean
clean: ## remove environments, caches and builds, but not data/ and runs/
	rm -rf $(VENV) $(DEV) build dist htmlcov .coverage .coverage.* .*_cache .hypothesis

# pip runs again only when what it reads has changed.
$(INSTALLED): pyproject.toml requirements/serving.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --constraint requirements/serving.txt --editable '.[cpu]'
	@touch $@

# The pip that comes with Python 3.11 knows no dependency groups.
$(DEV_INSTALLED): pyproject.toml requirements/dev.txt
	$(PYTHON) -m venv $(DEV)
	$(DEV)/bin/pip install --quiet --constraint requirements/dev.txt pip
	$(DEV)/bin/pip install --quiet --constraint requirements/dev.txt --editable '.[cpu,train,parquet,postgres,milvus]' --group dev
	@touch $@
